/* main.c - the table of verbs; the only file that sees both src/ and ui/. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "conductor/conductor.h"
#include "model/suggest.h"
#include "ui/app.h"

static int run_conductor(struct cli_args *a)
{
	return conductor_main(a->words.v[0]);
}

static const struct cli_verb verb_conductor = { "conductor", NULL, "COMMON_DIR",
	"the background process of a repository; starts on demand", NULL, run_conductor, 1, 1,
	.hidden = true };

static int run_help(struct cli_args *a);
static const struct cli_verb verb_help = { "help", NULL, "[VERB]",
	"show this help, or that of one verb", NULL, run_help, 0, 1, .json = false };

static const struct cli_verb *const verbs[] = {
	&cli_verb_run,
	&cli_verb_ls,
	&cli_verb_show,
	&cli_verb_log,
	&cli_verb_diff,
	&cli_verb_status,
	&cli_verb_wait,
	&cli_verb_report,
	&cli_verb_rerun,
	&cli_verb_exec,
	&cli_verb_shell,
	&cli_verb_promote,
	&cli_verb_undo,
	&cli_verb_kill,
	&cli_verb_archive,
	&cli_verb_restore,
	&cli_verb_init,
	&cli_verb_check_pipeline,
	&cli_verb_doctor,
	&cli_verb_relocate,
	&cli_verb_demo,
	&cli_verb_version,
	&verb_help,
	&cli_verb_shutdown,
	&verb_conductor,
};

static const struct cli_verb *find_verb(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (!strcmp(verbs[i]->name, word) ||
			(verbs[i]->alias && !strcmp(verbs[i]->alias, word)))
			return verbs[i];
	return NULL;
}

static void print_help(FILE *f)
{
	fprintf(f,
		"usage: yolodeck [VERB]\nRaces N attempts at a task, each in its own container "
		"on its own git branch; without a verb "
		"it opens the deck.\n\n");
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (!verbs[i]->hidden)
			fprintf(f, "  %-15s %s\n", verbs[i]->name, verbs[i]->help);
	fprintf(f,
		"\n`yolodeck VERB --help` has the options. V is a variant: 7/claude-1, 7/2, "
		"claude-1, @best, @passed, @failed, @live.\n"
		"Exit codes: 0 done, 1 refused or failed, 2 usage error, 3 no conductor, 4 internal error.\n");
}

static int unknown_verb(const char *word)
{
	const char *names[2 * ARRAY_LEN(verbs)], *near;
	size_t n = 0;
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (verbs[i]->hidden)
			continue;
		names[n++] = verbs[i]->name;
		if (verbs[i]->alias)
			names[n++] = verbs[i]->alias;
	}
	near = suggest_word(word, names, n);
	if (near)
		cli_say(stderr, "yolodeck: unknown verb \"%.60s\"; did you mean %s?", word, near);
	else
		cli_say(stderr, "yolodeck: unknown verb \"%.60s\"; `yolodeck --help` lists them",
			word);
	return CLI_USAGE;
}

static int run_help(struct cli_args *a)
{
	const struct cli_verb *v = a->words.n ? find_verb(a->words.v[0]) : NULL;
	if (a->words.n && !v)
		return unknown_verb(a->words.v[0]);
	if (v)
		cli_help(v, stdout);
	else
		print_help(stdout);
	return CLI_DONE;
}

/* Its races are brought here when the user wants that; -1 = they could not be. */
static int offer_moved(const struct git_repo *repo, struct err *e)
{
	struct store found;
	int rc = 0;
	if (!cli_moved(repo, &found, e))
		return 0;
	cli_say(stderr, "yolodeck: %s", e->msg);
	err_clear(e);
	if (cli_ask("bring them here now? y/N"))
		rc = cli_relocate(repo, &found, e);
	store_release(&found);
	return rc;
}

static int open_deck(void)
{
	struct cli_session s;
	struct err e = ERR_INIT;
	int rc = CLI_FAILED;
	if (!cli_tty()) {
		cli_say(stderr,
			"yolodeck: the deck needs a terminal; `yolodeck ls` and `yolodeck --help` do not");
		return CLI_USAGE;
	}
	if (cli_open_repo(&s, &e) || offer_moved(&s.repo, &e))
		cli_say(stderr, "yolodeck: %s", e.msg);
	else
		rc = app_main(s.repo.common, s.repo.top, 0);
	cli_close(&s);
	return rc;
}

static int run_verb(const struct cli_verb *v, int argc, char **argv)
{
	struct cli_args a;
	int rc;
	if (cli_parse(&a, v, argc, argv)) {
		rc = CLI_USAGE;
	} else if (a.help) {
		cli_help(v, stdout);
		rc = CLI_DONE;
	} else {
		/* the verbs speak for themselves; the log is the conductor's */
		if (v != &verb_conductor && !getenv("YOLODECK_DEBUG"))
			diag_set_level((enum diag_level)(DIAG_ERROR + 1));
		rc = v->run(&a);
	}
	cli_args_release(&a);
	return rc;
}

/* A standard descriptor that is closed would become that of a file or socket of ours. */
static void fill_std_fds(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null",
				fd ? O_RDONLY : O_WRONLY); /* fails as a closed one does */
}

/* An answer that could not be written whole is none. */
static int finish_stdout(int code)
{
	errno = 0;
	if (!fflush(stdout) && !ferror(stdout))
		return code;
	cli_say(stderr, "yolodeck: the output could not be written%s%s", errno ? ": " : "",
		errno ? strerror(errno) : "");
	return code ? code : CLI_FAILED;
}

static int run(int argc, char **argv)
{
	const struct cli_verb *v;
	if (argc < 2)
		return open_deck();
	if (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help")) {
		print_help(stdout);
		return CLI_DONE;
	}
	v = find_verb(
		!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V") ? "version" : argv[1]);
	return v ? run_verb(v, argc - 1, argv + 1) : unknown_verb(argv[1]);
}

int main(int argc, char **argv)
{
	cli_deck = app_main;
	fill_std_fds();
	return finish_stdout(run(argc, argv));
}
