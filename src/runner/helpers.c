/* helpers.c - what the pipeline lets us do in further containers beside the command's, since an
 * image need not have any tools. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/run.h"

static int fault(const char *what, const char *path, const char *why)
{
	dprintf(2, "runner: cannot %s %s: %s\n", what, path, why);
	return RUN_FAULT;
}

static int touch(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);

	if (fd < 0)
		return fault("create", path, strerror(errno));
	close(fd);
	return 0;
}

/* Everything up to the end that the source has when it is reached. */
static int transfer(int in, int out)
{
	static char bytes[256 * 1024];
	ssize_t n;

	while ((n = read(in, bytes, sizeof bytes)) > 0)
		for (ssize_t done = 0; done < n;) {
			ssize_t w = write(out, bytes + done, (size_t)(n - done));
			if (w < 0)
				return -1;
			done += w;
		}
	return n < 0 ? -1 : 0;
}

static int copy(const char *from, const char *to)
{
	struct stat st;
	int rc = 0;
	int in = open(from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (in < 0 && errno != ENOENT)
		return fault("read", from, strerror(errno));
	if (in >= 0 && (fstat(in, &st) < 0 || !S_ISREG(st.st_mode))) {
		close(in);
		return fault("read", from, "not a regular file");
	}
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0 || (in >= 0 && transfer(in, out)))
		rc = fault("copy to", to, strerror(errno));
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return rc;
}

int helpers_run(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--touch"))
		return touch(argv[2]);
	if (argc == 5 && !strcmp(argv[1], "--pack") && !strcmp(argv[3], "--to"))
		return pack(argv[2], argv[4]);
	if (argc < 4 || argc % 2 || strcmp(argv[1], "--copy"))
		return -1;
	for (int i = 2; i < argc; i += 2) {
		int rc = copy(argv[i], argv[i + 1]);
		if (rc)
			return rc;
	}
	return 0;
}
