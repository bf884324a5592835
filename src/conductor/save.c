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
#include "conductor/board.h"
#include "conductor/idle.h"
#include "conductor/borrowed_repo.h"
#include "conductor/sched.h"
#include "conductor/engines.h"
#include "git/snapshot.h"
#include "model/rank.h"

enum { CHECK_TAIL = 1 << 20, LOCK_TRIES = 25, LOCK_WAIT_MS = 200 };

struct save_job {
	struct variant_run *vr;
	struct conductor *c;
	char *common, *quarantine, *work, *cache, *variant, *base, *parent, *subject, *old;
	const struct git_repo *shared;
	int race;
	bool only_changed;
	struct save_out out;
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
	char *branch = xasprintf("refs/heads/yolo/%d/%s", j->race, j->variant);
	char *tip = xasprintf("refs/yolodeck/%d/%s/tip", j->race, j->variant);
	char *a = git_ref(j->common, branch, &ignored), *b = git_ref(j->common, tip, &ignored);

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
		dir = xasprintf("%s/refs/yolodeck/%d/%s", j->common, j->race, j->variant);
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

static void save_work(void *arg)
{
	struct save_job *j = arg;
	struct lent lent;
	struct snapshot_in in = {
		.quarantine = j->quarantine,
		.work = j->work,
		.cache = j->cache,
		.race = j->race,
		.variant = j->variant,
		.base = j->base,
		.parent = j->parent,
		.subject = j->subject,
		.full = true,
		.only_changed = j->only_changed,
	};
	char *found = NULL;

	j->rc = borrowed_repo_open(&lent, j->shared, j->common, &j->e);
	if (j->rc)
		return;
	in.repo = lent.repo;
	if (!j->old)
		found = known_tip(j);
	j->have_out = true;
	for (int attempt = 1;; attempt++) {
		j->rc = git_save(&in, j->old ? j->old : found, &j->out, &j->e);
		if (!j->rc || !locked_out(j, attempt))
			break;
		save_out_release(&j->out);
	}
	free(found);
	borrowed_repo_close(&lent);
}

static void job_free(struct save_job *j)
{
	if (j->have_out)
		save_out_release(&j->out);
	free(j->common);
	free(j->quarantine);
	free(j->work);
	free(j->cache);
	free(j->variant);
	free(j->base);
	free(j->parent);
	free(j->subject);
	free(j->old);
	free(j);
}

/* After a crash the end is told by the log, else by what was stored. */
static void find_end(struct variant_run *vr)
{
	const struct variant *v = vr->v;

	if (vr->has_end)
		return;
	vr->has_end = true;
	sched_task(vr, false);
	if (engine_end_from_log(&vr->task, &vr->end))
		return;
	vr->end.cause = v->exit >= 0 ? ENGINE_EXITED : ENGINE_GONE;
	vr->end.exit = v->exit;
}

static enum variant_event without_check(const struct variant_run *vr)
{
	if (vr->v->kill_asked)
		return VE_SAVED_KILLED;
	if (vr->end.cause == ENGINE_GONE)
		return VE_SAVED_LOST;
	return save_passed(&vr->end) ? VE_SAVED_PASSED : VE_SAVED_FAILED;
}

static void take_columns(struct variant *v, const char *base, struct save_out *out)
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

static void not_saved(struct variant_run *vr, const struct err *e)
{
	struct variant *v = vr->v;
	char *reason = xasprintf(
		"%s" SAVING_FAILED
		"%s; its files stay in %s/work, and yolodeck saves them when it is started next",
		v->reason ? v->reason : "ended", e->msg, vr->dir);

	diag(DIAG_ERROR, "%s: saving failed: %s", vr->key, e->msg);
	/* the reason beside it says the rest */
	xreplace(&v->scan, "saving failed; its files stay in work/");
	free(v->reason);
	v->reason = reason;
}

static void saved(struct variant_run *vr, bool ok)
{
	enum variant_event ev = without_check(vr);

	if (!ok && ev == VE_SAVED_PASSED)
		ev = VE_SAVED_FAILED;
	else if (ok && ev != VE_SAVED_KILLED && ev != VE_SAVED_LOST && vr->sv->check &&
		save_may_check(&vr->end))
		ev = VE_SAVED_CHECK;
	if (!sched_move(vr, ev) && ev == VE_SAVED_CHECK)
		save_check(vr);
}

static void save_done(void *arg)
{
	struct save_job *j = arg;
	struct variant_run *vr = j->vr;

	if (!j->c->closing) {
		vr->saving = false;
		vr->v->saved = !j->rc;
		if (j->rc)
			not_saved(vr, &j->e);
		else
			take_columns(vr->v, j->base, &j->out);
		saved(vr, !j->rc);
		idle_check(vr->c);
	}
	job_free(j);
}

/* First line of prompt or command. */
static char *subject_of(const struct variant_run *vr)
{
	const struct spec *s = &vr->r->race->spec;
	const char *text = s->prompt ? s->prompt : vr->sv->command ? vr->sv->command : NULL;
	struct buf b = BUF_INIT;

	for (size_t i = 0; !text && i < vr->sv->argv.n; i++)
		buf_fmt(&b, "%s%s", i ? " " : "", vr->sv->argv.v[i]);
	if (text)
		buf_add(&b, text, strcspn(text, "\r\n"));
	buf_trim(&b);
	if (!b.len)
		buf_str(&b, vr->v->name);
	return buf_take(&b);
}

static bool will_be_checked(const struct variant_run *vr)
{
	return vr->sv && vr->sv->check && save_may_check(&vr->end);
}

void save_begin(struct variant_run *vr)
{
	struct save_job *j;

	if (vr->saving)
		return;
	find_end(vr);
	forget_failure(vr->v);
	vr->saving = true;
	j = xcalloc(1, sizeof(*j));
	j->vr = vr;
	j->c = vr->c;
	j->common = xstrdup(vr->c->store.common);
	j->quarantine = xstrdup(vr->r->quarantine);
	j->work = fs_join(vr->dir, "work");
	j->cache = fs_join(vr->dir, "walk.cache");
	j->variant = xstrdup(vr->v->name);
	j->base = xstrdup(vr->r->race->base);
	j->parent = vr->v->start ? xstrdup(vr->v->start) : NULL;
	j->subject = subject_of(vr);
	j->old = vr->v->commit ? xstrdup(vr->v->commit) : NULL;
	j->race = vr->r->race->number;
	j->only_changed = !save_passed(&vr->end) && !will_be_checked(vr);
	j->shared = borrowed_repo_of(vr->r);
	pool_post_serial(loop_pool(vr->c->loop), vr->key, save_work, save_done, j);
}

/* ---- the check ---- */

static void check_failed(struct variant_run *vr, const char *why)
{
	struct buf b = BUF_INIT;

	buf_fmt(&b, "the check did not start: %s", why);
	xreplace(&vr->v->reason, b.p);
	vr->v->check.state = CHECK_FAILED;
	sched_move(vr, VE_FAILED_START);
	buf_release(&b);
}

void save_check(struct variant_run *vr)
{
	struct engine_handle *s = engines_of(vr->r);
	struct err e = ERR_INIT;

	if (!s)
		return; /* adopt_race comes here again when the engine is back */
	if (sched_logs(vr, true, &e)) {
		check_failed(vr, e.msg);
		return;
	}
	vr->v->check.state = CHECK_RUNNING;
	if (sched_store(vr)) {
		check_failed(vr, vr->v->note);
		return;
	}
	board_touch(vr);
	sched_task(vr, true);
	vr->check_held = true;
	s->g->type->start(s->g, &vr->check);
}

static void count_check(struct variant_run *vr)
{
	int fd = open(vr->check_log, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
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
	rank_parse_check(
		text, n > 0 ? (size_t)n : 0, from == 0, &vr->v->check.passed, &vr->v->check.total);
	free(text);
}

struct drop_job {
	struct variant_run *vr; /* only for done */
	char *common, *variant, *commit;
	int race;
	const struct git_repo *shared;
	struct err e;
	int rc;
};

static void drop_work(void *arg)
{
	struct drop_job *j = arg;
	struct lent lent;

	j->rc = borrowed_repo_open(&lent, j->shared, j->common, &j->e);
	if (j->rc)
		return;
	j->rc = git_save_drop(lent.repo, j->race, j->variant, j->commit, &j->e);
	borrowed_repo_close(&lent);
}

static void drop_done(void *arg)
{
	struct drop_job *j = arg;
	struct variant *v = j->vr->v;

	if (j->rc) {
		diag(DIAG_WARN, "%s: its empty commit stays: %s", j->vr->key, j->e.msg);
	} else if (v->commit && !strcmp(v->commit, j->commit)) {
		xreplace(&v->commit, NULL);
		xreplace(&v->branch, NULL);
		sched_store(j->vr);
		board_touch(j->vr);
	}
	free(j->common);
	free(j->variant);
	free(j->commit);
	free(j);
}

/* Its check failed, and it had changed nothing: there is no work to have a branch for. */
static void drop_empty(struct variant_run *vr)
{
	struct drop_job *j;

	if (vr->v->files || vr->v->scan || vr->v->start || !vr->v->commit || !vr->v->branch)
		return;
	j = xcalloc(1, sizeof(*j));
	j->vr = vr;
	j->common = xstrdup(vr->c->store.common);
	j->variant = xstrdup(vr->v->name);
	j->race = vr->v->race;
	j->commit = xstrdup(vr->v->commit);
	j->shared = borrowed_repo_of(vr->r);
	pool_post_serial(loop_pool(vr->c->loop), vr->key, drop_work, drop_done, j);
}

static void check_words(const struct variant_run *vr, const struct engine_end *end, struct buf *b)
{
	const struct check_result *c = &vr->v->check;
	bool ok = save_passed(end);

	if (c->total >= 0)
		buf_fmt(b, "%s%d of %d", ok ? "check passed, " : "", c->passed, c->total);
	else
		buf_str(b, ok ? "check passed" : "");
	if (!ok)
		buf_fmt(b, "%scheck: %s", b->len ? ", " : "", end->reason);
	if (!save_passed(&vr->end) && vr->has_end && vr->end.exit != 0 && vr->v->reason)
		buf_fmt(b, " (the command: %s)", vr->v->reason);
}

/* A check lost in a crash before it wrote anything begins anew; one that wrote and vanished is
 * lost. */
static bool check_again(struct variant_run *vr, const struct engine_end *end)
{
	struct stat st;

	if (!vr->adopting || end->cause != ENGINE_GONE || vr->v->state != VS_CHECKING)
		return false;
	return lstat(vr->check_idx, &st) || st.st_size == 0;
}

void save_check_ended(struct variant_run *vr, const struct engine_end *end)
{
	struct variant *v = vr->v;
	struct buf b = BUF_INIT;

	if (v->state == VS_STOPPING) {
		/* it was saved before the check began; what the check wrote is not recorded */
		sched_move(vr, VE_SAVED_KILLED);
		return;
	}
	if (check_again(vr, end)) {
		vr->adopting = false;
		save_check(vr);
		return;
	}
	vr->adopting = false;
	if (v->state != VS_CHECKING)
		return;
	find_end(vr);
	v->check.exit = end->exit;
	if (end->cause == ENGINE_GONE) {
		xreplace(&v->reason, end->reason);
		sched_move(vr, VE_GONE);
		return;
	}
	count_check(vr);
	v->check.state = save_passed(end) ? CHECK_PASSED : CHECK_FAILED;
	check_words(vr, end, &b);
	xreplace(&v->reason, b.p);
	buf_release(&b);
	if (v->check.state == CHECK_FAILED)
		drop_empty(vr);
	sched_move(vr, v->check.state == CHECK_PASSED ? VE_CHECK_PASSED : VE_CHECK_FAILED);
}
