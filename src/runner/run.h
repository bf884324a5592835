/* run.h - the runner: first process of every container. Inside of src/runner only.
 *
 *   runner --log PATH|fd:N --idx PATH|fd:N [options] -- CMD [ARG...]
 *
 *   --cap BYTES   of log + idx together, 0 = none     --time MS    setup + command, 0 = none
 *   --uid U --gid G   of setup and command            --grace MS   from TERM to KILL, default 5000
 *   --setup CMD   run by /bin/sh -c first             --cwd DIR    entered as the command's user
 *   --gate DIR    made 0700 and checked: owner 0, tmpfs; the log lies below it
 *   --unguarded   says in the log that nothing guards it
 *   --pids N      RLIMIT_NPROC of the command         --join fd:N  cgroup.procs the command enters
 * (up to 8)
 *   --guarded-log DIR
 *                 instead of --log --idx (dagger): makes DIR 0700 and both files in it new, prints
 *                 every record as one line on stdout (frames.c), stops when DIR/stop appears;
 *                 watches --pids (of all, not per user) and --memory BYTES. Exits 0 whenever the
 *                 log's exit record was written
 *   --stop-socket SOCKET
 *                 with --guarded-log: a byte that comes from this unix socket means the same as
 *                 DIR/stop, sooner; without the socket we go on
 *   --guarded-log-test
 *                 --guarded-log also where our pid namespace is not a container's own; then KILL
 *                 reaches our own processes only
 *   --exec        no log and no second process: becomes the command, with --uid --gid --cwd --pids
 *                 (exec and shell)
 *   --tty SOCKET  no log: the command runs on a pseudo-terminal whose other end is this unix socket
 *                 (tty.c), with --uid --gid --cwd
 *   --tag TEXT    ignored: by it the engine knows us in /proc/PID/cmdline
 *
 *   runner --touch FILE               the stop file
 *   runner --pack DIR --to TAR        files, directories, symbolic links; hard links as files of
 *                                     their own; no .git at the top
 *   runner --copy SRC DST [SRC DST]   regular files; a missing source makes an empty destination
 *
 * Exits with the command's status (128 + signal), the setup's when that failed, 127 / 126 when the
 * command could not be started, 125 when the runner itself could not (a sentence on stderr; nothing
 * ran). The log's exit record says the same. */
#ifndef RUNNER_RUN_H
#define RUNNER_RUN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "model/runlog.h"

enum {
	RUN_TICK_NS =
		100000000, /* between two looks at limits and the stop file of a guarded log */
	/* output bytes of a record there: its frame fits any line reader */
	RUN_GUARDED_BLOCK = 24 * 1024,
};
enum { RUN_JOINS = 8, RUN_FAULT = 125, RUN_ORPHAN_MS = 200, RUN_FLUSH_NS = 5000000 };

struct options {
	const char *log, *idx, *setup, *gate, *cwd, *guarded_log, *stop_socket, *tty;
	uint64_t cap;
	int64_t uid, gid; /* -1 = as we are */
	int64_t time_ms, grace_ms, pids, memory;
	int join[RUN_JOINS], njoin;
	bool unguarded, exec, guarded_log_test;
	const char *const *argv;
};

struct run {
	struct options o;
	struct runlog_writer w;
	/* read and write ends of the command's stdout, stderr; -1 = closed */
	int in[2], out[2];
	int signals; /* signalfd of all signals */
	pid_t main; /* leader of the phase that runs; 0 = none */
	bool dead; /* main has ended with ... */
	int status; /* ... this wait status */
	bool stopped, timed_out, killed;
	bool crlf; /* what the phase starts is a script with a Windows line ending */
	/* all of our pid namespace but pid 1 and us is the command's: KILL goes to all */
	bool alone;
	int64_t limit_at, kill_at; /* CLOCK_MONOTONIC ns; 0 = not set */
	/* the guarded log's directory, inotify on it, --stop-socket's socket; -1 = none */
	int guarded_log, notify, stop_socket;
	bool asked; /* the socket asked us to stop */
	int64_t look_at; /* next tick of a guarded log; 0 = no guarded log */
	bool over_memory, over_pids; /* what the watch killed for */
};

int64_t run_now(void); /* CLOCK_MONOTONIC ns */

/* options.c: -1 after a sentence on stderr. */
int options_parse(struct options *o, int argc, char **argv);

/* files.c: -1 after a sentence on stderr. */
int files_gate(const char *dir);
int files_open(const char *spec); /* fresh log or idx, appended to, O_CLOEXEC */
/* connected to a unix socket, O_CLOEXEC; -1 with errno and no sentence */
int files_reach(const char *path);
/* The limit of processes of the container we are pid 1 of, if a fork was ever refused at it; else
 * 0. */
uint64_t files_pids_reached(void);
/* Did the kernel kill a process of the container we are pid 1 of, for want of memory? */
bool files_out_of_memory(void);
/* Where execvp finds a program: name itself with a slash, else the first in PATH; "" = nowhere. */
void files_find(const char *name, char *path, size_t size);
/* Is the program of argv (or, of `sh -c`, the first word) a script whose first line ends in CR LF?
 * The kernel then looks for an interpreter with a CR in its name. Relative to the working
 * directory, as whoever asks. */
bool files_crlf_script(const char *const *argv);

/* guarded_log.c */
/* directory, log, idx, writer, tick; -1 after a sentence on stderr */
int guarded_log_open(struct run *r);
bool guarded_log_stop_asked(struct run *r); /* is the stop file there? */

/* watch.c: is the command over a limit? Kills all of it if so. */
void watch_limits(struct run *r);

/* frames.c: the records of a guarded log as lines on stdout, read back from its files. Never waits
 * for the reader but in the end. */
void frames_open(struct run *r);
/* is there something to write that has to wait for the reader? */
bool frames_wait(const struct run *r);
void frames_push(struct run *r); /* as much as goes now */
void frames_finish(struct run *r); /* all, as long as the reader takes something every 10 s */

/* lz4.c: n bytes, at most RUN_GUARDED_BLOCK, as an LZ4 block; its length, at most
 * LZ4_BOUND(n). */
#define LZ4_BOUND(n) ((n) + (n) / 255 + 16)
size_t lz4_pack(const unsigned char *p, size_t n, unsigned char *out);

/* helpers.c, pack.c: argv[1] is one of the other modes; the exit code, -1 = it is not. */
int helpers_run(int argc, char **argv);
int pack(const char *dir, const char *to);

/* spawn.c */
/* *exec_errno: why it did not begin, 0 = it did; sets crlf */
void spawn(struct run *r, const char *const *argv, int *exec_errno);
_Noreturn void spawn_become(const struct options *o); /* --exec */
void spawn_send_term(struct run *r); /* TERM to the phase's process group */
void spawn_kill(struct run *r); /* KILL to all of it we can name */
/* collects every ended child, sets dead and status for main */
void spawn_reap(struct run *r);
void spawn_end_orphans(struct run *r); /* kills and collects what is left below us */

/* tty.c: --tty, to its end; the command's exit code, or RUN_FAULT after a sentence on stderr. */
int tty_run(const struct options *o);

/* pump.c */
int pump_open(struct run *r); /* the pipes and the signalfd */
void pump_close_writers(struct run *r);
/* Moves output into the log and obeys signals and limits until main is dead. */
void pump_phase(struct run *r);
/* Takes what is still in the pipes: all that was there when main died, and what orphans add within
 * 200 ms. Returns true when someone still held a pipe at its end. */
bool pump_drain(struct run *r, bool wait_orphans);

#endif
