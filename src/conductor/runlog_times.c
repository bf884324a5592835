/* runlog_times.c - times and sizes of a run, from its log files. */
#include "conductor/runlog_times.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/runlog.h"

static bool record_at(const char *idx, bool last, struct runlog_record *r)
{
	unsigned char raw[RUNLOG_RECORD];
	int fd = open(idx, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	bool ok = false;

	if (fd < 0)
		return false;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size >= RUNLOG_RECORD) {
		off_t whole = st.st_size - st.st_size % RUNLOG_RECORD;
		off_t at = last ? whole - RUNLOG_RECORD : 0;
		ok = pread(fd, raw, sizeof(raw), at) == (ssize_t)sizeof(raw) &&
			!runlog_decode(raw, r);
	}
	close(fd);
	return ok;
}

int64_t runlog_times_first(const char *idx, int64_t dflt)
{
	struct runlog_record r;

	return record_at(idx, false, &r) ? (int64_t)r.ns : dflt;
}

int64_t runlog_times_last(const char *idx, int64_t dflt)
{
	struct runlog_record r;

	return record_at(idx, true, &r) && r.kind == RUNLOG_EXIT ? (int64_t)r.ns : dflt;
}

bool runlog_times_any(const char *log, const char *idx)
{
	struct stat st;

	if (!lstat(log, &st) && st.st_size > 0)
		return true;
	return !lstat(idx, &st) && st.st_size > 0;
}

static int64_t mtime_ns(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

int64_t runlog_times_size(const char *log, const char *idx, int64_t *ns)
{
	struct stat a, b;

	*ns = 0;
	if (lstat(log, &a))
		return -1;
	if (a.st_size > 0)
		*ns = mtime_ns(&a);
	return lstat(idx, &b) ? a.st_size : a.st_size + b.st_size;
}
