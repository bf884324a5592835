/* cli.c - options by table, --help, usage. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "model/suggest.h"

static const struct cli_opt opt_help = { "help", 'h', NULL, "show this" };
static const struct cli_opt opt_json = { "json", 0, NULL, "answer as one JSON object" };

static const struct cli_opt *option_by_name(const struct cli_verb *v, const char *name, size_t n)
{
	if (n == 4 && !strncmp(name, "help", 4))
		return &opt_help;
	if (v->json && n == 4 && !strncmp(name, "json", 4))
		return &opt_json;
	for (const struct cli_opt *o = v->opts; o && o->name; o++)
		if (strlen(o->name) == n && n > 1 && !strncmp(o->name, name, n))
			return o;
	return NULL;
}

static const struct cli_opt *option_by_letter(const struct cli_verb *v, char c)
{
	if (c == 'h')
		return &opt_help;
	for (const struct cli_opt *o = v->opts; o && o->name; o++)
		if (o->letter == c)
			return o;
	return NULL;
}

static void add_given(struct cli_args *a, const struct cli_opt *o, const char *value)
{
	a->json |= o == &opt_json;
	a->help |= o == &opt_help;
	a->given = xrealloc(a->given, (a->ngiven + 1) * sizeof(*a->given));
	a->given[a->ngiven++] = (struct cli_given){ o, value };
}

static int unknown_option(const struct cli_args *a, const char *arg)
{
	const char *names[64] = { "help", "json" };
	size_t n = a->verb->json ? 2 : 1;
	for (const struct cli_opt *o = a->verb->opts; o && o->name && n < ARRAY_LEN(names); o++)
		names[n++] = o->name;
	const char *near = !strncmp(arg, "--", 2) ? suggest_word(arg + 2, names, n) : NULL;
	if (near)
		return cli_usage(a, "unknown option %s; did you mean --%s?", arg, near);
	return cli_usage(a, "unknown option %s", arg);
}

static int parse_long(struct cli_args *a, int argc, char **argv, int *i)
{
	const char *arg = argv[*i] + 2, *eq = strchr(arg, '=');
	const struct cli_opt *o =
		option_by_name(a->verb, arg, eq ? (size_t)(eq - arg) : strlen(arg));
	if (!o) {
		unknown_option(a, argv[*i]);
		return -1;
	}
	if (!o->arg && eq) {
		cli_usage(a, "--%s takes no value", o->name);
		return -1;
	}
	if (o->arg && !eq && ++*i >= argc) {
		cli_usage(a, "--%s needs a value: --%s %s", o->name, o->name, o->arg);
		return -1;
	}
	add_given(a, o, !o->arg ? NULL : eq ? eq + 1 : argv[*i]);
	return 0;
}

/* "-f", "-ft", "-n3", "-n 3" */
static int parse_short(struct cli_args *a, int argc, char **argv, int *i)
{
	for (const char *p = argv[*i] + 1; *p; p++) {
		const struct cli_opt *o = option_by_letter(a->verb, *p);
		if (!o) {
			unknown_option(a, argv[*i]);
			return -1;
		}
		if (!o->arg) {
			add_given(a, o, NULL);
			continue;
		}
		if (!p[1] && *i + 1 >= argc) {
			cli_usage(a, "-%c needs a value: -%c %s", *p, *p, o->arg);
			return -1;
		}
		add_given(a, o, p[1] ? p + 1 : argv[++*i]);
		return 0;
	}
	return 0;
}

static int check_words(const struct cli_args *a)
{
	const struct cli_verb *v = a->verb;
	int n = (int)a->words.n;
	if (v->rest && n > v->max)
		cli_usage(a,
			"\"%s\" is not an option; write the command after --, as in `yolodeck %s -- "
			"%s`",
			a->words.v[v->max], v->name, a->words.v[v->max]);
	else if (n < v->min)
		cli_usage(a, "missing argument: %s", v->args);
	else if (v->max >= 0 && n > v->max)
		cli_usage(a, "unexpected argument \"%s\"", a->words.v[v->max]);
	else
		return 0;
	return -1;
}

int cli_parse(struct cli_args *a, const struct cli_verb *v, int argc, char **argv)
{
	memset(a, 0, sizeof(*a));
	a->verb = v;
	/* a refusal of the options themselves must already know how to speak */
	for (int i = 1; v->json && i < argc && strcmp(argv[i], "--"); i++)
		a->json |= !strcmp(argv[i], "--json");
	for (int i = 1; i < argc; i++) {
		int rc = 0;
		if (!strcmp(argv[i], "--") && v->rest) {
			a->rest = (const char *const *)argv + i + 1;
			break;
		}
		if (!strcmp(argv[i], "--")) {
			for (i++; i < argc; i++)
				strv_add(&a->words, argv[i]);
			break;
		}
		if (!strncmp(argv[i], "--", 2))
			rc = parse_long(a, argc, argv, &i);
		else if (argv[i][0] == '-' && argv[i][1])
			rc = parse_short(a, argc, argv, &i);
		else
			strv_add(&a->words, argv[i]);
		if (rc)
			return -1;
	}
	return a->help ? 0 : check_words(a);
}

void cli_args_release(struct cli_args *a)
{
	strv_release(&a->words);
	free(a->given);
	memset(a, 0, sizeof(*a));
}

const char *cli_opt(const struct cli_args *a, const char *name)
{
	for (size_t i = a->ngiven; i-- > 0;)
		if (!strcmp(a->given[i].opt->name, name))
			return a->given[i].value ? a->given[i].value : "";
	return NULL;
}

bool cli_has(const struct cli_args *a, const char *name)
{
	return cli_opt(a, name) != NULL;
}

static void help_option(const struct cli_opt *o, FILE *f)
{
	struct buf b = BUF_INIT;
	if (o->letter)
		buf_fmt(&b, "-%c", o->letter);
	if (o->name[1])
		buf_fmt(&b, "%s--%s", o->letter ? ", " : "    ", o->name);
	if (o->arg)
		buf_fmt(&b, " %s", o->arg);
	fprintf(f, "  %-26s %s\n", b.p, o->help);
	buf_release(&b);
}

void cli_help(const struct cli_verb *v, FILE *f)
{
	fprintf(f, "usage: yolodeck %s%s%s\n%s\n\n", v->name, *v->args ? " " : "", v->args,
		v->help);
	for (const struct cli_opt *o = v->opts; o && o->name; o++)
		help_option(o, f);
	if (v->json)
		help_option(&opt_json, f);
	help_option(&opt_help, f);
	if (v->alias)
		fprintf(f, "\n`yolodeck %s` is the same.\n", v->alias);
}
