/* fixture.h - what every test with a real git repository begins with: a home of its own, a shell to
 * set things up, and repositories that are built once in a program and copied for each test. */
#ifndef UNIT_FIXTURE_H
#define UNIT_FIXTURE_H

#include "unit.h"

#include <sys/stat.h>

#include "base/child.h"

/* Makes dir/home the home of this program and its children: a user of this name, no configuration
 * of the machine, nothing that git does in the background. */
static inline void fixture_home(const char *dir, const char *user, const char *email)
{
	static const char rest[] = "[init]\n\tdefaultBranch = main\n"
				   "[protocol \"file\"]\n\tallow = always\n"
				   "[advice]\n\tdetachedHead = false\n"
				   "[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n";
	char *config = xasprintf("[user]\n\tname = %s\n\temail = %s\n%s", user, email, rest);
	char *home = fs_join(dir, "home"), *file = fs_join(home, ".gitconfig");
	struct err e = ERR_INIT;

	assert_int_equal(fs_mkdirs(home, 0755, &e), 0);
	assert_int_equal(fs_replace(file, config, strlen(config), &e), 0);
	setenv("HOME", home, 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	setenv("GIT_CEILING_DIRECTORIES", dir, 1);
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("GIT_DIR");
	free(home);
	free(file);
	free(config);
}

/* Runs a script with sh -e in a directory; its trimmed output is the caller's. Another exit code
 * than *code (NULL: 0) fails the test; *code = -1 takes any and gets it. */
static inline char *fixture_shell(const char *dir, int *code, const char *script)
{
	const char *argv[] = { "/bin/sh", "-ec", script, NULL };
	struct child_spec s = CHILD_SPEC_INIT;
	struct child_result r;
	struct err e = ERR_INIT;
	char *out;

	s.argv = argv;
	s.cwd = dir;
	if (child_run(&s, NULL, 0, 64 << 20, UNIT_DEADLINE, &r, &e))
		fail_msg("%s", e.msg);
	if (code && *code < 0)
		*code = r.code;
	if (r.code != (code ? *code : 0))
		fail_msg("code %d, not %d: %s\n%s%s", r.code, code ? *code : 0, script, r.out.p,
			r.err.p);
	buf_trim(&r.out);
	out = buf_take(&r.out);
	child_result_release(&r);
	return out;
}

struct fixture_template {
	char *dir, *key;
	mode_t mask;
	pid_t owner;
	struct fixture_template *next;
};

static struct fixture_template *fixture_templates;

static void fixture_drop_templates(void)
{
	struct fixture_template *t;

	while ((t = fixture_templates)) {
		fixture_templates = t->next;
		if (t->owner == getpid())
			unit_rmdir(t->dir);
		else
			free(t->dir);
		free(t->key);
		free(t);
	}
}

/* Fills dir with a copy of what build makes in an empty directory for a key: it is called once in a
 * program for each key, and for each umask. */
static inline void fixture_copy(
	const char *dir, const char *key, void (*build)(const char *dir, const char *key))
{
	struct fixture_template *t = fixture_templates;
	mode_t mask = umask(0);

	umask(mask);
	while (t && (strcmp(t->key, key) || t->mask != mask))
		t = t->next;
	if (!t) {
		if (!fixture_templates)
			atexit(fixture_drop_templates);
		t = xcalloc(1, sizeof(*t));
		*t = (struct fixture_template){ unit_mkdir(), xstrdup(key), mask, getpid(),
			fixture_templates };
		fixture_templates = t;
		build(t->dir, key);
	}
	const char *argv[] = { "cp", "-a", "--", NULL, dir, NULL };
	char *from = xasprintf("%s/.", t->dir);
	struct child_spec s = CHILD_SPEC_INIT;
	struct child_result r;
	struct err e = ERR_INIT;

	argv[3] = from;
	s.argv = argv;
	s.cwd = "/";
	if (child_run(&s, NULL, 0, 1 << 20, UNIT_DEADLINE, &r, &e) || r.code)
		fail_msg("cp: %s%s", e.msg, r.err.p);
	child_result_release(&r);
	free(from);
}

#endif
