/* cli.h - the verbs, and what all of them share: options by table, the session, answers for people
 * and as JSON.
 *
 * Each verb is one struct cli_verb in the file that implements it; main.c lists them. The parser,
 * --help, the manual page's test and the usage line all read the same rows. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "client/client.h"
#include "git/git.h"

enum cli_exit { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_NO_CONDUCTOR = 3, CLI_BUG = 4 };

struct cli_opt {
	const char *name; /* without dashes: "markdown"; one letter only: "n" */
	char letter; /* short form, 0 = none */
	const char *arg; /* "N", "CMD"; NULL = takes no value */
	const char *help;
};

struct cli_args;
struct cli_verb {
	const char *name, *alias; /* alias: another word for it, NULL = none */
	const char *args,
		*help; /* "V... | --race R | --all", "stop variants; files and logs are kept" */
	const struct cli_opt *opts; /* ends with a NULL name; NULL = none but --help (and --json) */
	int (*run)(struct cli_args *a);
	int min, max; /* words that are no options; max -1 = any */
	bool json; /* knows --json */
	bool rest; /* takes "-- CMD..." */
	bool hidden;
};

struct cli_args {
	const struct cli_verb *verb;
	struct strv words; /* what is no option */
	struct cli_given {
		const struct cli_opt *opt;
		const char *value; /* NULL when it takes none; points into argv */
	} * given; /* in order */
	size_t ngiven;
	const char *const *rest; /* after "--", NULL-terminated; NULL = there was none */
	bool json, help;
};

/* Parses argv (argv[0] = the verb). -1: the usage error was printed. */
int cli_parse(struct cli_args *a, const struct cli_verb *v, int argc, char **argv);
void cli_args_release(struct cli_args *a);
/* The last value of an option, NULL = not given. cli_has: was it given at all. */
const char *cli_opt(const struct cli_args *a, const char *name);
bool cli_has(const struct cli_args *a, const char *name);
void cli_help(const struct cli_verb *v, FILE *f);

/* Refusals: print one sentence (or, with --json, one object on stdout) and give the exit code that
 * its code means. */
int cli_fail(const struct cli_args *a, const struct err *e);
int cli_usage(const struct cli_args *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* {"code":...,"msg":...} of a refusal. */
struct json *cli_err_json(const struct err *e);
enum cli_exit cli_exit_of(const struct err *e);
/* Prints {"schema":1,...} and frees it. Returns CLI_DONE. */
int cli_json(struct json *take_o);
/* One line to stdout or stderr, all of it made safe for a terminal. */
void cli_say(FILE *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A label of so many cells, and its text; made safe. */
void cli_row(int width, const char *label, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
bool cli_tty(void); /* stdin and stdout are a terminal: somebody can answer and see */
bool cli_color(void); /* stdout is a terminal, without NO_COLOR */
/* Asks on the terminal; true only for "y" or "yes". */
bool cli_ask(const char *question);

/* Rows of text in aligned columns. right: letters 'l' 'r', one a column. Cells are made safe. */
struct cli_table {
	struct strv cells;
	size_t columns;
	const char *align;
	bool markdown;
};
void cli_table_print(
	struct cli_table *t, FILE *f); /* the first row is the head; releases the cells */

/* The repository of cwd and its state. */
struct cli_session {
	struct git_repo repo;
	struct store store;
	struct client *client; /* NULL until cli_connect */
	struct race **race; /* after cli_load */
	size_t nrace;
};
/* Only the repository: nothing is made or started yet. */
int cli_open_repo(struct cli_session *s, struct err *e);
/* create: makes the state directory (run, after cli_open_repo). Without it a repository that never
 * had a race gives code "no_race"; with and without it one that was moved gives "moved". */
int cli_open(struct cli_session *s, bool create, struct err *e);
int cli_connect(struct cli_session *s, struct err *e);
/* Reads all races from disk, without a conductor. */
int cli_load(struct cli_session *s, struct err *e);
/* The one variant a selector means, from disk (cli_load first). */
struct variant *cli_variant(struct cli_session *s, const char *sel, struct err *e);
void cli_close(struct cli_session *s);
/* Ends the conductor of a state directory (what runs goes on) and keeps others from starting: the
 * descriptor of its lock, -1 after 10 s. */
int cli_take_lock(const struct store *s, struct err *e);
/* The repository has no race, but was moved from a place where it had: 1 with the sentence that
 * says so (code "moved"), and *found to be released; else 0. */
int cli_moved(const struct git_repo *repo, struct store *found, struct err *e);
/* Brings that state to the repository; what runs goes on. */
int cli_relocate(const struct git_repo *repo, struct store *found, struct err *e);
/* Opens, connects, asks; NULL = e says why. */
struct json *cli_call(struct cli_session *s, struct json *take_request, struct err *e);
/* What most verbs do: opens, asks, and answers as JSON or by print. The exit code. */
int cli_answer(const struct cli_args *a, struct json *take_request,
	void (*print)(const struct cli_args *a, const struct json *ok));
/* The same in a session that is open; closes it. */
int cli_answer_in(const struct cli_args *a, struct cli_session *s, struct json *take_request,
	void (*print)(const struct cli_args *a, const struct json *ok));
/* cli_call for what chooses an engine: says which daemon our environment means, and replaces an
 * idle conductor that means another. */
struct json *cli_call_here(struct cli_session *s, struct json *take_request, struct err *e);
/* "7", "7-flaky", "@newest" -> number; 0 = newest; -1 with a sentence. NULL = 0. */
int cli_race_number(const char *s, struct err *e);

/* "0:07", "-" of a row. */
void cli_elapsed(const struct json *row, char *out, size_t n);
/* "12/12", "failed", "-" of a row's check. */
void cli_check(const struct json *row, char *out, size_t n);
/* What was not recorded, as far as the sentence on the save does not say it; NULL = nothing. */
const char *cli_left_out(const struct json *row);
/* The table of rows as `ls` shows it. */
void cli_rows_print(const struct json *rows, int race, FILE *f);
/* The ranked table at the end of a race. */
void cli_report_print(const struct json *report, bool markdown, FILE *f);

/* Follows a race to its end. Exit code: 0 if a variant passed, else 1. */
int cli_wait_race(const struct cli_args *a, struct cli_session *s, int race);
/* The same for these variants of a race ("7/a", at least one), whatever the others do. */
int cli_wait_variants(const struct cli_args *a, struct cli_session *s, const struct strv *names);
/* Starts a race and goes on: opens the deck, prints the race's number, or waits for the end. Makes
 * the state directory and connects; takes nothing over. */
enum cli_then { CLI_THEN_DECK, CLI_THEN_NUMBER, CLI_THEN_WAIT };
int cli_start(const struct cli_args *a, struct cli_session *s, const struct spec *spec,
	enum cli_then then);
/* The file of a new race through $EDITOR; 0 = s is filled, 1 = cancelled, -1 = error. */
int cli_edit(const struct git_repo *repo, struct spec *s, struct err *e);

/* Runs a command on a terminal of its own, relayed to ours (stdin and stdout are one), to its end.
 */
int cli_relay(struct strv *argv, int *code, struct err *e);

/* Opens the deck; set by main.c, which alone sees ui/. */
extern int (*cli_deck)(const char *common_dir, const char *top, int race);

extern const struct cli_verb cli_verb_run, cli_verb_ls, cli_verb_show, cli_verb_status,
	cli_verb_wait, cli_verb_report, cli_verb_log, cli_verb_diff, cli_verb_kill,
	cli_verb_promote, cli_verb_rerun, cli_verb_exec, cli_verb_shell, cli_verb_undo,
	cli_verb_archive, cli_verb_restore, cli_verb_version, cli_verb_doctor, cli_verb_init,
	cli_verb_check_pipeline, cli_verb_demo, cli_verb_relocate, cli_verb_shutdown;

#endif
