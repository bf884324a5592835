/* run.c - main of the runner: setup, command, what they left behind, exit record. See run.h for its
 * options.
 *
 * Why it is there. A container's output through a daemon is slow, costs the daemon's time, loses
 * its tail when the reader is behind, and stops while the daemon is away. So the first process of
 * every container is ours and writes the output into a file of the host itself. Whoever wants to
 * read or to find out the end opens that file; nothing of yolodeck has to be alive.
 *
 * What it must keep, whatever the command does:
 * - The command never waits for its log. Output is read as it comes and, when it cannot be kept
 *   (cap, full disk), counted.
 * - The log cannot be forged by the command. It is another user (docker as root, dagger), or the
 *   files were handed over as descriptors and the runner is not dumpable (local): /proc/1/fd is
 * shut either way. Files that are not new are refused, since an image or a race could have planted
 * them.
 * - The end is recorded. As pid 1 the runner cannot be killed from inside; the exit record is
 * written also when nothing else can be. Without a record the container was killed from outside,
 * and only the engine knows by whom.
 * - Nothing outlives the record. Every process below us is killed before it is written, so that
 *   work/ is still afterwards.
 *
 * One thread, one poll: two pipes and a signalfd. Setup and command share the pipes, so a helper
 * that setup leaves running goes on into the same log, and the end of the command, not of the
 * pipes, ends the run. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/run.h"

struct outcome {
	uint32_t code;
	enum runlog_cause cause;
};

static uint32_t code_of(int status)
{
	return (uint32_t)(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static enum runlog_cause cause_of(const struct run *r, enum runlog_cause otherwise)
{
	if (r->over_memory)
		return RUNLOG_OUT_OF_MEMORY;
	if (r->timed_out)
		return RUNLOG_TIME_LIMIT;
	return r->stopped ? RUNLOG_STOPPED : otherwise;
}

/* Runs one phase to its end. */
static struct outcome phase(struct run *r, const char *const *argv, bool last)
{
	int why;

	spawn(r, argv, &why);
	if (last)
		pump_close_writers(r);
	pump_phase(r);
	if (why) {
		runlog_note(&r->w, RUNLOG_NOTE_NOT_FOUND, (uint64_t)why);
		r->crlf = r->crlf && why == ENOENT;
		return (struct outcome){ why == ENOENT ? 127 : 126, RUNLOG_NOT_STARTED };
	}
	if (pump_drain(r, last) && last)
		runlog_note(&r->w, RUNLOG_NOTE_ORPHANS, 0);
	uint32_t code = r->over_memory || r->over_pids ? 128 + SIGKILL : code_of(r->status);
	r->crlf = r->crlf && code == 127;
	if (code == 128 + SIGKILL && !r->killed && files_out_of_memory())
		r->over_memory = true;
	return (struct outcome){ code, cause_of(r, RUNLOG_BY_ITSELF) };
}

static struct outcome both_phases(struct run *r)
{
	if (r->o.setup) {
		const char *argv[] = { "/bin/sh", "-c", r->o.setup, NULL };
		runlog_note(&r->w, RUNLOG_NOTE_SETUP, 0);
		struct outcome o = phase(r, argv, false);
		if (o.code || o.cause != RUNLOG_BY_ITSELF) {
			o.cause = cause_of(r, RUNLOG_SETUP_FAILED);
			return o;
		}
		runlog_note(&r->w, RUNLOG_NOTE_COMMAND, 0);
	}
	return phase(r, r->o.argv, true);
}

static int open_log(struct run *r)
{
	if (r->o.guarded_log)
		return guarded_log_open(r);
	if (r->o.gate && files_gate(r->o.gate))
		return -1;
	int log = files_open(r->o.log);
	int idx = files_open(r->o.idx);
	if (log < 0 || idx < 0)
		return -1;
	runlog_writer_init(&r->w, log, idx, r->o.cap);
	return 0;
}

/* Before the first fork: a command of our own uid must not look into us (/proc/1/fd is the log),
 * and what it leaves behind must come to us. */
static int shield(void)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -1;
	return getpid() == 1 ? 0 : prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

int main(int argc, char **argv)
{
	struct run r = { .in = { -1, -1 },
		.out = { -1, -1 },
		.signals = -1,
		.guarded_log = -1,
		.notify = -1,
		.stop_socket = -1 };
	int helper_code;

	umask(022); /* whatever the one who started us has */
	helper_code = helpers_run(argc, argv);
	if (helper_code >= 0)
		return helper_code;
	if (options_parse(&r.o, argc, argv))
		return RUN_FAULT;
	if (r.o.exec)
		spawn_become(&r.o);
	if (r.o.tty)
		return shield() ? RUN_FAULT : tty_run(&r.o);
	r.alone = getpid() == 1;
	if (shield() || open_log(&r))
		return RUN_FAULT;
	for (int i = 0; i < r.o.njoin; i++)
		if (fcntl(r.o.join[i], F_SETFD, FD_CLOEXEC) < 0)
			return RUN_FAULT;
	if (pump_open(&r) < 0) {
		dprintf(2, "runner: no pipes: %s\n", strerror(errno));
		return RUN_FAULT;
	}
	if (r.o.time_ms > 0)
		r.limit_at = run_now() + r.o.time_ms * 1000000;
	if (r.o.unguarded)
		runlog_note(&r.w, RUNLOG_NOTE_UNGUARDED, 0);
	struct outcome o = both_phases(&r);
	spawn_end_orphans(&r);
	uint64_t pids = r.over_pids ? (uint64_t)r.o.pids : files_pids_reached();
	if (pids)
		runlog_note(&r.w, RUNLOG_NOTE_PIDS, pids);
	if (r.crlf)
		runlog_note(&r.w, RUNLOG_NOTE_CRLF, 0);
	runlog_exit(&r.w, o.code, o.cause);
	if (r.o.guarded_log) {
		frames_finish(&r);
		return 0;
	}
	return (int)(o.code & 0xff);
}
