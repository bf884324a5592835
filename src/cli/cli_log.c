/* cli_log.c - log: byte-exact into a pipe, made safe on a terminal, with times by line; from the
 * files alone, so it needs no conductor and goes on when that dies. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/vt.h"
#include "cli/cli.h"
#include "model/tail.h"

enum { CHUNK = 64 << 10, LINES = 512, LOOK_MS = 1000, RECORD_MAX = 1 << 20 };

struct logging {
	struct tail *t;
	struct vt vt;
	char *dir, *name; /* of the variant */
	int race;
	bool check, times, safe, color;
	uint64_t at; /* what was printed so far */
	uint64_t seq; /* marks below it were printed */
	bool ended;
	bool stopped; /* at a line that may still grow */
	char last; /* byte printed */
};

static void put_safe(struct logging *l, const char *p, size_t n, bool newline)
{
	struct buf b = BUF_INIT;
	vt_stream(&l->vt, p, n, l->color, &b);
	if (newline)
		buf_char(&b, '\n');
	fwrite(b.p, 1, b.len, stdout);
	buf_release(&b);
}

static int put_bytes(struct logging *l, struct err *e)
{
	char chunk[CHUNK];
	ssize_t n = 0;
	while (!ferror(stdout) && (n = tail_pread(l->t, l->at, chunk, sizeof(chunk))) > 0) {
		if (l->safe)
			put_safe(l, chunk, (size_t)n, false);
		else
			fwrite(chunk, 1, (size_t)n, stdout);
		l->at += (uint64_t)n;
		l->last = chunk[n - 1];
	}
	if (n < 0)
		return err_sys(
			e, "log_unreadable", "cannot read the log of %d/%s", l->race, l->name);
	return 0;
}

static void put_time(const struct tail_line *line)
{
	char text[16] = "        ";
	if (line->ns)
		clock_fmt_time((int64_t)line->ns, text, sizeof(text));
	printf("%s %s ", text, line->stream == RUNLOG_STDERR ? "!" : " ");
}

static bool put_line(void *ctx, const struct tail_line *line)
{
	struct logging *l = ctx;
	if (line->kind == TAIL_MARK) {
		if (line->seq < l->seq)
			return true;
		l->seq = line->seq + 1;
		put_time(line);
		printf("-- %.*s --\n", (int)line->len, line->text);
		return true;
	}
	if (line->open && !l->ended) {
		l->at = line->off;
		l->stopped = true;
		return false;
	}
	put_time(line);
	if (l->safe) {
		put_safe(l, line->text, line->len, true);
	} else {
		fwrite(line->text, 1, line->len, stdout);
		putchar('\n');
	}
	return true;
}

static void put_lines(struct logging *l)
{
	uint64_t before, marks;
	l->stopped = false;
	do {
		before = l->at;
		marks = l->seq;
		uint64_t next = tail_from(l->t, l->at, LINES, put_line, l);
		if (!l->stopped)
			l->at = next;
	} while (!ferror(stdout) && !l->stopped && (l->at != before || l->seq != marks));
}

/* How it ended, for eyes only. */
static void put_end(struct logging *l)
{
	uint32_t code;
	enum runlog_cause cause;
	uint64_t gap = tail_gap(l->t);
	if (!l->safe || l->times)
		return;
	if (l->last && l->last != '\n')
		putchar('\n');
	if (gap)
		printf("-- %llu bytes were not kept --\n", (unsigned long long)gap);
	if (tail_exit(l->t, &code, &cause))
		printf("-- exit %u --\n", code);
}

/* Without an exit record (never started, lost) the variant's own record says whether more can come.
 */
static bool variant_over(const struct logging *l)
{
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;
	char *path = fs_join(l->dir, "variant.json");
	struct json *j = NULL;
	struct variant *v = NULL;
	bool over = true;
	if (!fs_read(path, RECORD_MAX, &b, &e) && (j = json_parse(b.p, b.len, &e)) &&
		(v = variant_from_json(j, &e)))
		over = variant_ended(v->state);
	variant_free(v);
	json_free(j);
	buf_release(&b);
	free(path);
	return over;
}

static int print_new(struct logging *l, struct err *e)
{
	int rc = 0;
	tail_refresh(l->t, e);
	if (!strcmp(e->code, "log_shrank"))
		return -1;
	if (l->times)
		put_lines(l);
	else
		rc = put_bytes(l, e);
	fflush(stdout);
	return rc;
}

static void discard_events(int fd)
{
	char events[4096];
	while (read(fd, events, sizeof(events)) > 0)
		;
}

static int follow_log(struct logging *l, struct err *e)
{
	struct pollfd p = { inotify_init1(IN_CLOEXEC | IN_NONBLOCK), POLLIN, 0 };
	uint32_t code;
	enum runlog_cause cause;
	int rc = 0;
	if (p.fd < 0 || inotify_add_watch(p.fd, l->dir, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
		rc = err_sys(e, "log_unreadable", "cannot watch %s", l->dir);
	while (!rc && !l->ended) {
		rc = print_new(l, e);
		if (rc || ferror(stdout))
			break;
		l->ended = tail_exit(l->t, &code, &cause);
		if (l->ended)
			break;
		int n = poll(&p, 1, LOOK_MS);
		if (n < 0 && errno != EINTR)
			rc = err_sys(e, "log_unreadable", "cannot wait for %s", l->dir);
		if (n == 0)
			l->ended = variant_over(l);
		discard_events(p.fd);
	}
	if (p.fd >= 0)
		close(p.fd);
	return rc;
}

static int begin_at(struct logging *l, const char *n, struct err *e)
{
	char *end;
	if (!n)
		return 0;
	unsigned long long lines = strtoull(n, &end, 10);
	if (end == n || *end || strchr(n, '-'))
		return err_set(e, "usage", "-n: \"%s\" is not a number of lines", n);
	uint64_t all = tail_lines(l->t);
	l->at = lines >= all ? 0 : tail_offset_of_line(l->t, all - lines + 1);
	return 0;
}

static int print_log(struct logging *l, const struct cli_args *a, struct err *e)
{
	int rc;
	l->t = tail_open(l->dir, l->check ? "check.log" : "log", e);
	if (!l->t)
		return -1;
	rc = begin_at(l, cli_opt(a, "n"), e);
	if (!rc && cli_has(a, "follow"))
		rc = follow_log(l, e);
	l->ended = true;
	if (!rc)
		rc = print_new(l, e);
	if (!rc)
		put_end(l);
	tail_close(l->t);
	return rc;
}

static int run_log(struct cli_args *a)
{
	struct cli_session s;
	struct logging l = { .check = false };
	struct err e = ERR_INIT;
	struct variant *v;
	int rc = CLI_DONE;
	if (cli_open(&s, false, &e))
		return cli_fail(a, &e);
	if (cli_load(&s, &e) || !(v = cli_variant(&s, a->words.v[0], &e))) {
		cli_close(&s);
		return cli_fail(a, &e);
	}
	l.race = v->race;
	l.name = xstrdup(v->name);
	l.dir = store_variant_dir(&s.store, v->race, v->name);
	l.check = cli_has(a, "check");
	l.times = cli_has(a, "times");
	l.safe = isatty(1);
	l.color = cli_color();
	vt_init(&l.vt);
	if (l.check && v->check.state == CHECK_NONE)
		err_set(&e, "no_check", "%d/%s has no check", l.race, l.name);
	if (e.code[0] || print_log(&l, a, &e))
		rc = cli_fail(a, &e);
	fflush(stdout);
	free(l.dir);
	free(l.name);
	cli_close(&s);
	return rc;
}

static const struct cli_opt log_opts[] = {
	{ "follow", 'f', NULL, "follow the log until the variant ends" },
	{ "times", 't', NULL, "print the time before each line, and ! before lines of stderr" },
	{ "n", 'n', "N", "only the last N lines" },
	{ "check", 0, NULL, "print the log of the check instead" },
	{ NULL, 0, NULL, NULL },
};
const struct cli_verb cli_verb_log = { "log", "logs", "V [-f] [-t] [-n N] [--check]",
	"print the log of a variant, unchanged when piped", log_opts, run_log, 1, 1,
	.json = false };
