/* save.c - after the command: the full snapshot, the branch, the check, the end. */
#include "conductor/save.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/fs.h"
#include "base/mem.h"
#include "conductor/borrowed_repo.h"
#include "conductor/engines.h"
#include "conductor/task.h"
#include "conductor/variant_run.h"
#include "git/saving.h"
#include "model/rank.h"

enum { CHECK_TAIL = 1 << 20, LOCK_TRIES = 25, LOCK_WAIT_MS = 200 };

struct save_job {
	struct variant_run *run;
	const struct snapshot_in *in;
	struct borrowed_repo repo;
	bool only_changed;
	char *subject, *old; /* old: the branch's commit as we know it, or NULL */
	struct saving_out out;
	bool have_out;
	struct err e;
	int rc;
};

bool save_may_check(const struct engine_end *end)
{
	return end->cause != ENGINE_SETUP && end->cause != ENGINE_NOT_STARTED &&
		end->cause != ENGINE_GONE;
}

bool save_passed(const struct engine_end *end)
{
	return end->cause == ENGINE_EXITED && end->exit == 0;
}

/* The branch of a saving that a crash cut off: its new tip stands in both refs, and variant.json
 * does not know it. */
static char *known_tip(const struct save_job *j)
{
	struct err ignored = ERR_INIT;
	char *branch = xasprintf("refs/heads/yolo/%d/%s", j->in->race, j->in->variant);
	char *tip = xasprintf("refs/yolodeck/%d/%s/tip", j->in->race, j->in->variant);
	char *a = git_ref(j->repo.common, branch, &ignored);
	char *b = git_ref(j->repo.common, tip, &ignored);

	free(branch);
	free(tip);
	if (!a || !b || strcmp(a, b)) {
		free(a);
		a = NULL;
	}
	free(b);
	return a;
}

/* A git of a conductor that was killed may still be at work: it is waited for. Its lock on a ref of
 * ours that stays for longer belongs to nobody any more (the lock on the branch is never touched:
 * that name is the user's too). */
static bool locked_out(struct save_job *j, int attempt)
{
	char *dir;

	if (!strstr(j->e.msg, ".lock': File exists") || attempt > LOCK_TRIES)
		return false;
	if (attempt == LOCK_TRIES) {
		dir = xasprintf(
			"%s/refs/yolodeck/%d/%s", j->repo.common, j->in->race, j->in->variant);
		save_clear_locks(dir);
		free(dir);
	}
	poll(NULL, 0, LOCK_WAIT_MS);
	return true;
}

void save_clear_locks(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *de;

	while (d && (de = readdir(d))) {
		size_t n = strlen(de->d_name);
		if (n > 5 && !strcmp(de->d_name + n - 5, ".lock") &&
			!unlinkat(dirfd(d), de->d_name, 0))
			diag(DIAG_WARN, "removed %s/%s, left by a git that was killed", dir,
				de->d_name);
	}
	if (d)
		closedir(d);
}

static void save_work(void *arg);
static void save_done(void *arg);

/* First line of prompt or command. */
static char *subject_of(const struct variant_run *run)
{
	const struct spec *s = &run->r->race->spec;
	const char *text = s->prompt   ? s->prompt
		: run->recipe->command ? run->recipe->command
				       : NULL;
	struct buf b = BUF_INIT;

	for (size_t i = 0; !text && i < run->recipe->argv.n; i++)
		buf_fmt(&b, "%s%s", i ? " " : "", run->recipe->argv.v[i]);
	if (text)
		buf_add(&b, text, strcspn(text, "\r\n"));
	buf_trim(&b);
	if (!b.len)
		buf_str(&b, run->v->name);
	return buf_take(&b);
}

static bool will_be_checked(const struct variant_run *run)
{
	return run->recipe->check && save_may_check(&run->end);
}

static void post_save(struct variant_run *run)
{
	struct save_job *j = xcalloc(1, sizeof(*j));

	run->saving = true;
	j->run = run;
	j->in = &run->snapshot;
	borrowed_repo_init(&j->repo, run->r);
	j->only_changed = !save_passed(&run->end) && !will_be_checked(run);
	j->subject = subject_of(run);
	j->old = run->v->commit ? xstrdup(run->v->commit) : NULL;
	pool_post_serial(loop_pool(run->c->loop), run->key, save_work, save_done, j);
}

static void save_work(void *arg)
{
	struct save_job *j = arg;
	struct snapshot_in in = *j->in;

	in.subject = j->subject;
	in.full = true;
	in.only_changed = j->only_changed;
	in.repo = borrowed_repo_get(&j->repo, &j->e);
	j->rc = in.repo ? 0 : -1;
	if (j->rc)
		return;
	if (!j->old)
		j->old = known_tip(j);
	j->have_out = true;
	for (int attempt = 1;; attempt++) {
		j->rc = saving_run(&in, j->old, &j->out, &j->e);
		if (!j->rc || !locked_out(j, attempt))
			break;
		saving_out_release(&j->out);
	}
	borrowed_repo_release(&j->repo);
}

/* After a crash the end is told by the log, else by what was stored. */
static void find_end(struct variant_run *run)
{
	const struct variant *v = run->v;

	if (run->has_end)
		return;
	run->has_end = true;
	task_make(run, COMMAND);
	if (engine_end_from_log(&run->ct[COMMAND].task, &run->end))
		return;
	run->end.cause = v->exit >= 0 ? ENGINE_EXITED : ENGINE_GONE;
	run->end.exit = v->exit;
}

static enum variant_event without_check(const struct variant_run *run)
{
	if (run->v->kill_asked)
		return VE_SAVED_KILLED;
	if (run->end.cause == ENGINE_GONE)
		return VE_SAVED_LOST;
	return save_passed(&run->end) ? VE_SAVED_PASSED : VE_SAVED_FAILED;
}

static void take_columns(struct variant *v, const char *base, struct saving_out *out)
{
	xreplace(&v->commit, out->snap.commit);
	xreplace(&v->live, out->snap.commit ? out->snap.commit : base);
	xreplace(&v->branch, out->branch);
	xreplace(&v->scan, out->scan);
	xreplace(&v->not_recorded, out->snap.not_recorded);
	if (!v->scan && out->snap.refused.n)
		xreplace(&v->scan, out->snap.refused.v[0]);
	v->files = out->snap.files;
	v->added = out->snap.added;
	v->removed = out->snap.removed;
}

#define SAVING_FAILED "; saving failed: "

/* It is saved once more: what was said of the last time is over. */
static void forget_failure(struct variant *v)
{
	char *said = v->reason ? strstr(v->reason, SAVING_FAILED) : NULL;

	if (v->saved || !said)
		return;
	*said = '\0';
	xreplace(&v->scan, NULL);
}

static void not_saved(struct variant_run *run, const struct err *e)
{
	struct variant *v = run->v;
	char *reason = xasprintf(
		"%s" SAVING_FAILED
		"%s; its files stay in %s/work, and yolodeck saves them when it is started next",
		v->reason ? v->reason : "ended", e->msg, run->dir);

	diag(DIAG_ERROR, "%s: saving failed: %s", run->key, e->msg);
	/* the reason beside it says the rest */
	xreplace(&v->scan, "saving failed; its files stay in work/");
	free(v->reason);
	v->reason = reason;
}

static void saved(struct variant_run *run, bool ok)
{
	struct variant *v = run->v;
	enum variant_event ev = without_check(run);

	if (!ok && ev == VE_SAVED_PASSED)
		ev = VE_SAVED_FAILED;
	else if (ok && ev != VE_SAVED_KILLED && ev != VE_SAVED_LOST && will_be_checked(run)) {
		ev = VE_SAVED_CHECK;
		v->check.state = CHECK_WAITING;
	}
	variant_change(run, ev);
}

static void save_done(void *arg)
{
	struct save_job *j = arg;
	struct variant_run *run = j->run;

	run->saving = false;
	run->v->saved = !j->rc;
	if (j->rc)
		not_saved(run, &j->e);
	else
		take_columns(run->v, j->in->base, &j->out);
	saved(run, !j->rc);
	if (j->have_out)
		saving_out_release(&j->out);
	free(j->subject);
	free(j->old);
	free(j);
}

/* ---- the check ---- */

static void check_failed(struct variant_run *run, const char *why)
{
	struct buf b = BUF_INIT;

	buf_fmt(&b, "the check did not start: %s", why);
	xreplace(&run->v->reason, b.p);
	run->v->check.state = CHECK_FAILED;
	variant_change(run, VE_FAILED_START);
	buf_release(&b);
}

static void start_check(struct variant_run *run)
{
	struct engine_handle *h = engines_of(run->r);
	struct container *ct = &run->ct[CHECK];
	struct err e = ERR_INIT;

	if (!h)
		return; /* settle comes by when the engine is there */
	if (task_logs(run, CHECK, &e)) {
		check_failed(run, e.msg);
		return;
	}
	run->v->check.state = CHECK_RUNNING;
	if (variant_store(run)) {
		check_failed(run, run->v->note);
		return;
	}
	mark_dirty(run);
	task_make(run, CHECK);
	ct->held = true;
	h->type->start(h->engine, &ct->task);
}

static void count_check(struct variant_run *run)
{
	int fd = open(run->ct[CHECK].log, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char *text = xmalloc(CHECK_TAIL);
	struct stat st;
	off_t from = 0;
	ssize_t n = 0;

	if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode)) {
		from = st.st_size > CHECK_TAIL ? st.st_size - CHECK_TAIL : 0;
		n = pread(fd, text, CHECK_TAIL, from);
	}
	if (fd >= 0)
		close(fd);
	rank_parse_check(text, n > 0 ? (size_t)n : 0, from == 0, &run->v->check.passed,
		&run->v->check.total);
	free(text);
}

struct drop_job {
	struct variant_run *run;
	struct borrowed_repo repo;
	char *commit;
	struct err e;
	int rc;
};

static void drop_work(void *arg);
static void drop_done(void *arg);

/* Its check failed, and it had changed nothing: there is no work to have a branch for. */
static void drop_empty(struct variant_run *run)
{
	const struct variant *v = run->v;
	struct drop_job *j;

	if (v->files || v->scan || v->start || !v->commit || !v->branch)
		return;
	j = xcalloc(1, sizeof(*j));
	j->run = run;
	j->commit = xstrdup(v->commit);
	borrowed_repo_init(&j->repo, run->r);
	pool_post_serial(loop_pool(run->c->loop), run->key, drop_work, drop_done, j);
}

static void drop_work(void *arg)
{
	struct drop_job *j = arg;
	const struct snapshot_in *of = &j->run->snapshot;
	const struct git_repo *repo = borrowed_repo_get(&j->repo, &j->e);

	j->rc = repo ? saving_drop(repo, of->race, of->variant, j->commit, &j->e) : -1;
	borrowed_repo_release(&j->repo);
}

static void drop_done(void *arg)
{
	struct drop_job *j = arg;
	struct variant *v = j->run->v;

	if (j->rc) {
		diag(DIAG_WARN, "%s: its empty commit stays: %s", j->run->key, j->e.msg);
	} else if (v->commit && !strcmp(v->commit, j->commit)) {
		xreplace(&v->commit, NULL);
		xreplace(&v->branch, NULL);
		variant_store(j->run);
		mark_dirty(j->run);
	}
	free(j->commit);
	free(j);
}

static void format_check(const struct variant_run *run, const struct engine_end *end, struct buf *b)
{
	const struct check_result *c = &run->v->check;
	bool ok = save_passed(end);

	if (c->total >= 0)
		buf_fmt(b, "%s%d of %d", ok ? "check passed, " : "", c->passed, c->total);
	else
		buf_str(b, ok ? "check passed" : "");
	if (!ok)
		buf_fmt(b, "%scheck: %s", b->len ? ", " : "", end->reason);
	if (!save_passed(&run->end) && run->has_end && run->end.exit != 0 && run->v->reason)
		buf_fmt(b, " (the command: %s)", run->v->reason);
}

/* A check lost in a crash before it wrote anything begins anew; one that wrote and vanished is
 * lost. */
static bool check_never_began(const struct variant_run *run, bool adopted)
{
	const struct container *ct = &run->ct[CHECK];
	struct stat st;

	if (!adopted || ct->end.cause != ENGINE_GONE || run->v->state != VS_CHECKING)
		return false;
	return lstat(ct->idx, &st) || st.st_size == 0;
}

static void check_ended(struct variant_run *run)
{
	struct variant *v = run->v;
	struct container *ct = &run->ct[CHECK];
	const struct engine_end *end = &ct->end;
	struct buf b = BUF_INIT;
	bool adopted = ct->adopting;

	ct->ended = ct->adopting = false;
	if (v->state == VS_STOPPING) {
		/* it was saved before the check began; what the check wrote is not recorded */
		variant_change(run, VE_SAVED_KILLED);
		return;
	}
	if (check_never_began(run, adopted)) {
		v->check.state = CHECK_WAITING;
		return;
	}
	if (v->state != VS_CHECKING)
		return;
	find_end(run);
	v->check.exit = end->exit;
	if (end->cause == ENGINE_GONE) {
		xreplace(&v->reason, end->reason);
		variant_change(run, VE_GONE);
		return;
	}
	count_check(run);
	v->check.state = save_passed(end) ? CHECK_PASSED : CHECK_FAILED;
	format_check(run, end, &b);
	xreplace(&v->reason, b.p);
	buf_release(&b);
	if (v->check.state == CHECK_FAILED)
		drop_empty(run);
	variant_change(run, v->check.state == CHECK_PASSED ? VE_CHECK_PASSED : VE_CHECK_FAILED);
}

static void begin_saving(struct variant_run *run)
{
	find_end(run);
	forget_failure(run->v);
	post_save(run);
}

void save_turn(struct race_run *r)
{
	for (size_t i = 0; i < r->race->n; i++) {
		struct variant_run *run = &r->v[i];
		if (run->ct[CHECK].ended)
			check_ended(run);
		if (run->v->state == VS_SAVING && !run->saving)
			begin_saving(run);
		else if (run->v->state == VS_CHECKING && !run->ct[CHECK].held && !run->adopt)
			start_check(run);
	}
}
