/* log_watch.c - knows when a log grew. A watch fires once and is armed again by the frame that
 * reads the file, before it reads: so a flood costs one event a file and frame, and no growth is
 * missed. The index is watched, for its record is written last. */
#include "ui/log_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/mem.h"

static const char *const index_name[2] = { "log.idx", "check.idx" };

int log_watch_open(struct err *e)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	return fd < 0 ? err_sys(e, "internal", "cannot watch files (inotify)") : fd;
}

void log_watch_arm(struct deck *d, struct item *it)
{
	bool missing = false;

	for (int i = 0; i < 2; i++) {
		char *path;

		if (it->watch[i] >= 0)
			continue;
		path = xasprintf("%s/%s", it->log.dir, index_name[i]);
		it->watch[i] = inotify_add_watch(d->inotify, path, IN_MODIFY | IN_ONESHOT);
		missing |= it->watch[i] < 0;
		free(path);
	}
	if (missing && it->watch_dir < 0)
		it->watch_dir = inotify_add_watch(
			d->inotify, it->log.dir, IN_CREATE | IN_MOVED_TO | IN_ONESHOT | IN_ONLYDIR);
}

static void on_fired(struct deck *d, int wd)
{
	for (size_t i = 0; i < d->nitem; i++) {
		struct item *it = d->item[i];

		for (int k = 0; k < 2; k++) {
			if (it->watch[k] == wd) {
				it->watch[k] = -1;
				it->stale = true;
				d->dirty = true;
			}
		}
		if (it->watch_dir == wd) {
			it->watch_dir = -1;
			it->stale = true;
			d->dirty = true;
		}
	}
}

void log_watch_read(struct deck *d)
{
	char b[8192] __attribute__((aligned(8)));
	ssize_t n;

	while ((n = read(d->inotify, b, sizeof(b))) > 0) {
		for (char *p = b; p < b + n;) {
			const struct inotify_event *ev =
				(const struct inotify_event *)(const void *)p;

			if (!(ev->mask & IN_IGNORED))
				on_fired(d, ev->wd);
			p += sizeof(*ev) + ev->len;
		}
	}
}

void log_watch_forget(struct deck *d, struct item *it)
{
	for (int i = 0; i < 2; i++)
		if (it->watch[i] >= 0)
			inotify_rm_watch(d->inotify, it->watch[i]);
	if (it->watch_dir >= 0)
		inotify_rm_watch(d->inotify, it->watch_dir);
	it->watch[0] = it->watch[1] = it->watch_dir = -1;
}
