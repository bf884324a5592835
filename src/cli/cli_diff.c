/* cli_diff.c - diff: between commits in the race's quarantine, read only; raw into a pipe, safe and
 * coloured on a terminal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/vt.h"
#include "cli/cli.h"
#include "git/diff.h"

enum { PATCH_CAP = 64 << 20 };

static const char *variant_commit(const struct variant *v, struct err *e)
{
	if (v->commit || v->live)
		return v->commit ? v->commit : v->live;
	err_set(e, "nothing_saved", "nothing of %d/%s is recorded yet: it is %s", v->race, v->name,
		variant_state_name(v->state));
	return NULL;
}

/* The two ends: base and variant, or variant and variant. */
static int find_ends(struct cli_session *s, const struct cli_args *a, char **git_dir,
	const char **from, const char **to, struct err *e)
{
	struct variant *v = cli_variant(s, a->words.v[0], e), *w = NULL;
	char *dir;
	if (!v || !(*to = variant_commit(v, e)))
		return -1;
	*from = v->base;
	if (a->words.n > 1) {
		w = cli_variant(s, a->words.v[1], e);
		if (!w)
			return -1;
		if (w->race != v->race)
			return err_set(e, "two_races",
				"%d/%s and %d/%s are of two races; compare within one, or use git "
				"diff on their "
				"branches",
				v->race, v->name, w->race, w->name);
		*from = *to;
		if (!(*to = variant_commit(w, e)))
			return -1;
	}
	if (!*from)
		return err_set(e, "damaged", "the base of %d/%s is not known", v->race, v->name);
	dir = store_race_dir(&s->store, v->race);
	*git_dir = fs_join(dir, "q.git");
	free(dir);
	return 0;
}

static struct json *stat_json(const struct diff_stat *st)
{
	struct json *o = json_object(), *list = json_array();
	for (size_t i = 0; i < st->n; i++) {
		struct json *f = json_object();
		json_put_str(f, "path", st->f[i].path);
		if (st->f[i].added < 0) {
			json_put_null(f, "added");
			json_put_null(f, "removed");
		} else {
			json_put_int(f, "added", st->f[i].added);
			json_put_int(f, "removed", st->f[i].removed);
		}
		json_add(list, f);
	}
	json_put(o, "stat", list);
	json_put_int(o, "files", (int64_t)st->n);
	json_put_int(o, "added", st->added);
	json_put_int(o, "removed", st->removed);
	json_put_bool(o, "cut", st->cut);
	return o;
}

static void stat_print(const struct diff_stat *st)
{
	struct cli_table t = { STRV_INIT, 3, "lrr", false };
	strv_addl(&t.cells, "FILE", "+", "-", (char *)NULL);
	for (size_t i = 0; i < st->n; i++) {
		strv_add(&t.cells, st->f[i].path);
		if (st->f[i].added < 0) {
			strv_addl(&t.cells, "binary", "", (char *)NULL);
			continue;
		}
		strv_fmt(&t.cells, "+%lld", (long long)st->f[i].added);
		strv_fmt(&t.cells, "-%lld", (long long)st->f[i].removed);
	}
	cli_table_print(&t, stdout);
	printf("%zu file%s, +%lld -%lld%s\n", st->n, st->n == 1 ? "" : "s", (long long)st->added,
		(long long)st->removed, st->cut ? ", and more that is not counted" : "");
}

static const char *line_color(const char *p)
{
	if (!strncmp(p, "+++", 3) || !strncmp(p, "---", 3) || !strncmp(p, "diff ", 5))
		return "\033[1m";
	return *p == '+' ? "\033[32m" : *p == '-' ? "\033[31m" : *p == '@' ? "\033[36m" : NULL;
}

static void patch_print(const struct buf *patch, bool color)
{
	for (size_t at = 0; at < patch->len;) {
		const char *p = patch->p + at, *nl = memchr(p, '\n', patch->len - at);
		size_t n = nl ? (size_t)(nl - p) : patch->len - at;
		const char *sgr = color ? line_color(p) : NULL;
		struct buf b = BUF_INIT;
		struct vt vt;
		vt_init(&vt);
		vt_stream(&vt, p, n, false, &b);
		printf("%s%s%s\n", sgr ? sgr : "", b.p, sgr ? "\033[0m" : "");
		buf_release(&b);
		at += n + 1;
	}
}

static int print_patch(const struct cli_args *a, const char *git_dir, const char *from,
	const char *to, struct err *e)
{
	struct buf patch = BUF_INIT;
	bool cut = false;
	if (diff_patch(git_dir, from, to, NULL, PATCH_CAP, &patch, &cut, e)) {
		buf_release(&patch);
		return -1;
	}
	if (a->json) {
		struct json *o = json_object();
		json_put_str(o, "patch", patch.p);
		json_put_bool(o, "cut", cut);
		cli_json(o);
	} else if (isatty(1)) {
		patch_print(&patch, cli_color());
	} else {
		fwrite(patch.p, 1, patch.len, stdout);
	}
	if (cut)
		fprintf(stderr,
			"yolodeck diff: the patch is longer than 64 MiB; what is above is cut\n");
	buf_release(&patch);
	return 0;
}

static int print_stat(const struct cli_args *a, const char *git_dir, const char *from,
	const char *to, struct err *e)
{
	struct diff_stat st = { NULL, 0, 0, 0, false };
	if (diff_stat(git_dir, from, to, &st, e))
		return -1;
	if (a->json)
		cli_json(stat_json(&st));
	else
		stat_print(&st);
	diff_stat_release(&st);
	return 0;
}

static int run_diff(struct cli_args *a)
{
	struct cli_session s;
	struct err e = ERR_INIT;
	char *git_dir = NULL;
	const char *from = NULL, *to = NULL;
	int rc = CLI_DONE;
	if (cli_open(&s, false, &e))
		return cli_fail(a, &e);
	if (cli_load(&s, &e) || find_ends(&s, a, &git_dir, &from, &to, &e) ||
		(cli_has(a, "stat") ? print_stat : print_patch)(a, git_dir, from, to, &e))
		rc = cli_fail(a, &e);
	free(git_dir);
	cli_close(&s);
	return rc;
}

static const struct cli_opt diff_opts[] = {
	{ "stat", 0, NULL, "only files and line counts" },
	{ NULL, 0, NULL, NULL },
};
const struct cli_verb cli_verb_diff = { "diff", NULL, "V [V2] [--stat]",
	"show what a variant changed, or how two differ", diff_opts, run_diff, 1, 2, .json = true };
