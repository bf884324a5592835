/* autostart.c - starts the conductor of a repository as a process of its own. */
#include "client/autostart.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"

enum { LOG_KEEP = 1 << 20, LOG_TAIL = 8192 };

/* conductor.log is for people and grows by a line an event; one old copy is enough. */
static int open_log(const struct store *s, struct err *e)
{
	char *path = store_path(s, "conductor.log");
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd >= 0 && lseek(fd, 0, SEEK_END) > LOG_KEEP) {
		char *old = store_path(s, "conductor.log.1");

		close(fd);
		fd = -1;
		if (rename(path, old) == 0)
			fd = open(
				path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		free(old);
	}
	if (fd < 0)
		err_sys(e, "state", "cannot write %s, so the conductor cannot start", path);
	free(path);
	return fd;
}

int autostart_conductor(const struct store *s, struct child *c, struct err *e)
{
	const char *argv[] = { "/proc/self/exe", "conductor", s->common, NULL };
	struct child_spec spec = CHILD_SPEC_INIT;
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	int log, rc;

	if (n <= 0)
		return err_sys(e, "internal", "cannot find our own program file");
	self[n] = 0;
	/* A binary replaced while we run reads "... (deleted)": the link itself still starts the
	 * one we are. */
	if (access(self, X_OK) == 0)
		argv[0] = self;
	log = open_log(s, e);
	if (log < 0)
		return -1;
	spec.argv = argv;
	spec.cwd = "/";
	spec.out = spec.err = log;
	spec.new_session = true;
	rc = child_start(c, &spec, e);
	close(log);
	return rc < 0 ? err_prefix(e, "the conductor did not start") : 0;
}

void autostart_last_words(const struct store *s, struct buf *out)
{
	char *path = store_path(s, "conductor.log");
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char tail[LOG_TAIL + 1];
	char *line;
	off_t size;
	ssize_t n;

	free(path);
	buf_clear(out);
	if (fd < 0)
		return;
	size = lseek(fd, 0, SEEK_END);
	n = pread(fd, tail, LOG_TAIL, size > LOG_TAIL ? size - LOG_TAIL : 0);
	close(fd);
	while (n > 0 && tail[n - 1] == '\n')
		n--;
	if (n <= 0)
		return;
	tail[n] = 0;
	line = strrchr(tail, '\n');
	buf_str(out, line ? line + 1 : tail);
}
