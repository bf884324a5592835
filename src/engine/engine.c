/* engine.c - the table of engines, and what they share: default limits, the end of a task from its
 * exit record. */
#include "engine/engine.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "engine/host.h"
#include "model/runlog.h"

/* What a variant is given at least before fewer of them run at once. */
#define MEMORY_EACH ((int64_t)512 << 20)

enum { PARALLEL_MIN = 4 };

const struct engine_type *const engine_table[] = { &engine_dagger, &engine_docker, &engine_local,
	&engine_fake, NULL };

const struct engine_type *engine_find(const char *name)
{
	for (size_t i = 0; engine_table[i]; i++)
		if (!strcmp(engine_table[i]->name, name))
			return engine_table[i];
	return NULL;
}

static int64_t ram_bytes(void)
{
	return (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
}

int engine_parallel_of(long cores, int64_t ram)
{
	int64_t fit = ram / 5 * 4 / MEMORY_EACH, most = cores > PARALLEL_MIN ? cores : PARALLEL_MIN;

	return (int)(fit < 1 ? 1 : fit < most ? fit : most);
}

int engine_default_parallel(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	return engine_parallel_of(cores, ram_bytes());
}

void engine_defaults(struct limits *l, int parallel)
{
	int64_t share = ram_bytes() / 5 * 4 / (parallel > 0 ? parallel : 1),
		most = (int64_t)4 << 30;

	if (l->memory == 0)
		l->memory = share < most ? share : most;
	if (l->pids == 0)
		l->pids = 1024;
	if (l->log == 0)
		l->log = (int64_t)1 << 30;
}

void engine_unlimited(
	const struct engine_report *r, const struct limits *asked, char *out, size_t n)
{
	const char *missing[3];
	size_t k = 0;

	if (asked->memory > 0 && !r->limit_memory)
		missing[k++] = "memory";
	if (asked->pids > 0 && !r->limit_pids)
		missing[k++] = "pids";
	if (asked->cpus > 0 && !r->limit_cpus)
		missing[k++] = "cpus";
	if (k == 0)
		snprintf(out, n, "%s", "");
	else if (k == 1)
		snprintf(out, n, "%s limit not enforced here", missing[0]);
	else if (k == 2)
		snprintf(out, n, "%s and %s limits not enforced here", missing[0], missing[1]);
	else
		snprintf(out, n, "%s, %s and %s limits not enforced here", missing[0], missing[1],
			missing[2]);
}

struct last_records {
	struct runlog_record exit;
	uint64_t pids; /* the limit of processes, if a fork was refused at it */
	bool crlf;
};

/* The exit is the last record but for what a crash may have torn: so only the end of the index is
 * read. Notes that explain the exit stand directly before it. */
static bool read_last_records(const char *path, struct last_records *last)
{
	unsigned char b[16 * RUNLOG_RECORD];
	struct stat st;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool found = false;

	memset(last, 0, sizeof *last);
	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		off_t end = st.st_size - st.st_size % RUNLOG_RECORD;
		off_t from = end > (off_t)sizeof b ? end - (off_t)sizeof b : 0;
		ssize_t n = pread(fd, b, (size_t)(end - from), from);
		for (n -= RUNLOG_RECORD; n >= 0 && !found; n -= RUNLOG_RECORD)
			found = runlog_decode(b + n, &last->exit) == 0 &&
				last->exit.kind == RUNLOG_EXIT;
		struct runlog_record note;
		for (; found && n >= 0; n -= RUNLOG_RECORD) {
			if (runlog_decode(b + n, &note) < 0 || note.kind != RUNLOG_NOTE)
				break;
			if (note.len == RUNLOG_NOTE_PIDS)
				last->pids = note.val;
			last->crlf |= note.len == RUNLOG_NOTE_CRLF;
		}
	}
	close(fd);
	return found;
}

/* First word of a shell command, if it can be nothing but a program's name. */
static char *first_word(const char *script)
{
	script += strspn(script, " \t\n");
	size_t n = strcspn(script, " \t\n;&|<>");

	for (size_t i = 0; i < n; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-/~",
			    script[i]))
			return NULL;
	return n ? xstrndup(script, n) : NULL;
}

/* What was to be executed, as far as it is known; else NULL. */
static char *program_of(const struct engine_task *t, enum engine_cause cause)
{
	const struct strv *a = &t->argv;

	if (cause == ENGINE_SETUP)
		return t->setup ? first_word(t->setup) : NULL;
	if (a->n >= 3 && !strcmp(a->v[1], "-c") &&
		(!strcmp(a->v[0], "/bin/sh") || !strcmp(a->v[0], "sh")))
		return first_word(a->v[2]);
	return a->n ? xstrdup(a->v[0]) : NULL;
}

static void explain_crlf(const struct engine_task *t, struct engine_end *end)
{
	char *program = program_of(t, end->cause);

	snprintf(end->reason, sizeof end->reason,
		"%s%.200s has Windows line endings (CRLF), so its interpreter is not found; convert it, for example with dos2unix",
		end->cause == ENGINE_SETUP ? "setup failed: " : "",
		program ? program : "the script");
	end->explained = true;
	free(program);
}

static void format_exit(uint32_t code, char *out, size_t n)
{
	if (code > 128 && code <= 128 + 64)
		snprintf(out, n, "exit %u (signal %u, %s)", code, code - 128,
			strsignal((int)code - 128));
	else
		snprintf(out, n, "exit %u", code);
}

bool engine_end_from_log(const struct engine_task *t, struct engine_end *end)
{
	struct last_records last;
	char words[96], limit[32];

	memset(end, 0, sizeof *end);
	if (!read_last_records(t->idx, &last))
		return false;
	struct runlog_record r = last.exit;
	end->exit = (int)r.len;
	format_exit(r.len, words, sizeof words);
	switch (r.val) {
	case RUNLOG_TIME_LIMIT:
		end->cause = ENGINE_TIME;
		clock_fmt_duration(t->limits.time_ms, limit, sizeof limit);
		snprintf(end->reason, sizeof end->reason, "time limit %s", limit);
		break;
	case RUNLOG_STOPPED:
		end->cause = ENGINE_STOPPED;
		snprintf(end->reason, sizeof end->reason, "stopped");
		break;
	case RUNLOG_SETUP_FAILED:
		end->cause = ENGINE_SETUP;
		snprintf(end->reason, sizeof end->reason, "setup failed: %s", words);
		break;
	case RUNLOG_NOT_STARTED:
		end->cause = ENGINE_NOT_STARTED;
		snprintf(end->reason, sizeof end->reason,
			r.len == 127 ? "command not found: %s" : "cannot be executed: %s",
			t->argv.n ? t->argv.v[0] : "");
		break;
	case RUNLOG_OUT_OF_MEMORY:
		end->cause = ENGINE_OOM;
		spec_fmt_size(t->limits.memory, limit, sizeof limit);
		snprintf(end->reason, sizeof end->reason, "out of memory (limit %s)", limit);
		break;
	default:
		end->cause = ENGINE_EXITED;
		snprintf(end->reason, sizeof end->reason, "%s", words);
	}
	if (last.crlf)
		explain_crlf(t, end);
	size_t len = strlen(end->reason);
	if (last.pids && end->exit != 0 && end->cause != ENGINE_STOPPED)
		snprintf(end->reason + len, sizeof end->reason - len,
			", process limit (%llu) reached", (unsigned long long)last.pids);
	return true;
}

void engine_explain_127(const struct host *h, const struct engine_task *t, struct engine_end *end)
{
	char why[400], *program;

	if (end->exit != 127 || end->explained)
		return;
	program = program_of(t, end->cause);
	if (program && host_explain_127(h, program, why, sizeof why))
		snprintf(end->reason, sizeof end->reason, "%s", why);
	free(program);
}
