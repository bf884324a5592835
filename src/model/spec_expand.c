/* spec_expand.c - from what was asked to the full, named, ordered list of variants.
 *
 * Recipes are the entries of "variants", and the race's own command when no entry relies on it.
 * What runs the race's command is multiplied by the matrix, everything by repeat. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/spec_int.h"

static int add_place(const struct spec *s, int line, struct err *e)
{
	if (s->file && line)
		err_prefix(e, "%s:%d", s->file, line);
	else if (s->file)
		err_prefix(e, "%s", s->file);
	return -1;
}

static bool own_command(const struct spec_variant *v)
{
	return v->command || v->argv.n;
}

static bool word_in(const char *word, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(word, list[i]))
			return true;
	return false;
}

/* The first word of a command that is a program: past assignments and words of the shell. */
static void first_program(const char *cmd, char *out, size_t n)
{
	static const char *const before[] = { "if", "while", "until", "then", "do", "exec", "env",
		"time", "nice", "sudo" };
	static const char *const whole[] = { "for", "case", "set", "cd", "export", "echo", "printf",
		"trap", "test", "sleep", "done", "fi", "esac", "else", "true", "false", "mkdir",
		"rm", "cp", "mv", "touch", "cat", "ls", "sed", "exit", "return", "wait", "kill",
		"read" };
	for (const char *p = cmd; *p;) {
		p += strspn(p, " \t\n;(){}&|!");
		size_t len = strcspn(p, " \t\n;(){}&|<>");
		char *word = xstrndup(p, len), *slash = strrchr(word, '/');
		bool assigns = strchr(word, '=') != NULL,
		     odd = strpbrk(word, "$`\"'*?[\\#") != NULL;
		bool next_word = assigns || word_in(word, before, ARRAY_LEN(before));
		bool next_command = odd || word_in(word, whole, ARRAY_LEN(whole));
		if (!next_word && !next_command)
			spec_safe_name(slash ? slash + 1 : word, out, n);
		free(word);
		p += len ? len : *p != '\0';
		if (!next_word && !next_command)
			return;
		if (next_command)
			p += strcspn(p, ";&|\n");
	}
}

static bool is_shell(const char *program)
{
	static const char *const shells[] = { "sh", "bash", "dash", "zsh", "ksh", "fish", "ash" };
	return word_in(program, shells, ARRAY_LEN(shells));
}

/* What variants of the race's command are called when nobody named them. */
static void default_name(const struct spec *s, char *out, size_t n)
{
	out[0] = '\0';
	if (s->name)
		spec_slug(s->name, out, n);
	else if (s->command)
		first_program(s->command, out, n);
	else if (s->argv.n) {
		const char *slash = strrchr(s->argv.v[0], '/');
		const char *program = slash ? slash + 1 : s->argv.v[0];
		if (is_shell(program) && s->argv.n >= 3 && s->argv.v[1][0] == '-' &&
			strchr(s->argv.v[1], 'c'))
			first_program(s->argv.v[2], out, n);
		else if (is_shell(program) && s->argv.n >= 2 && s->argv.v[1][0] != '-')
			first_program(s->argv.v[1], out, n);
		else
			spec_safe_name(program, out, n);
	}
	if (!spec_name_ok(out))
		snprintf(out, n, "try");
}

struct list {
	struct spec_variant *v;
	size_t n;
};

static bool name_taken(const struct list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->v[i].name, name))
			return true;
	return false;
}

/* The name as it is, or made safe with a number that nobody else has; cuts what is too long for
 * one. A base with a letter and without dots is a name, if need be with a number behind it. */
static char *free_name(const struct list *l, const char *want)
{
	char base[56], name[80];
	if (spec_name_ok(want) && !name_taken(l, want))
		return xstrdup(want);
	spec_safe_name(want, base, sizeof(base));
	bool letter = strpbrk(base, "abcdefghijklmnopqrstuvwxyz") != NULL;
	snprintf(name, sizeof(name), "%s%s%s", letter ? "" : "try", letter || !*base ? "" : "-",
		base);
	if (!spec_name_ok(name))
		for (char *dot = name; (dot = strchr(dot, '.'));)
			*dot = '-';
	char *first = xstrdup(name);
	for (int k = 2; !spec_name_ok(name) || name_taken(l, name); k++)
		snprintf(name, sizeof(name), "%s-%d", first, k);
	free(first);
	return xstrdup(name);
}

static void limits_from_race(struct limits *l, const struct limits *race)
{
	if (!(l->cpus > 0))
		l->cpus = race->cpus;
	if (!l->memory)
		l->memory = race->memory;
	if (!l->pids)
		l->pids = race->pids;
	if (!l->time_ms)
		l->time_ms = race->time_ms;
	if (!l->log)
		l->log = race->log;
	if (!l->disk)
		l->disk = race->disk;
}

/* One variant of the race: the recipe (NULL = the race's command) with the race's values where it
 * has none. */
static struct spec_variant *add_variant(
	struct list *l, const struct spec *s, const struct spec_variant *from, const char *name)
{
	static const struct spec_variant none;
	const struct spec_variant *r = from ? from : &none;
	char *free_one = free_name(l, name);
	l->v = xrealloc(l->v, (l->n + 1) * sizeof(*l->v));
	struct spec_variant *v = &l->v[l->n++];
	memset(v, 0, sizeof(*v));
	v->name = free_one;
	v->line = r->line;
	bool own = own_command(r);
	xreplace(&v->command, own ? r->command : s->command);
	strv_copy(&v->argv, own ? &r->argv : &s->argv);
	xreplace(&v->image, r->image ? r->image : s->image ? s->image : "host");
	xreplace(&v->setup, r->setup ? r->setup : s->setup);
	xreplace(&v->check, r->check ? r->check : s->check);
	v->limits = r->limits;
	limits_from_race(&v->limits, &s->limits);
	strv_copy(&v->env, &s->env);
	for (size_t i = 0; i < r->env.n; i++)
		spec_env_put(&v->env, r->env.v[i]);
	return v;
}

/* The k-th cell of the matrix: its values by key; the last key runs fastest. */
static const char *cell_value(const struct spec *s, size_t cell, size_t key)
{
	for (size_t i = s->nmatrix; i-- > key + 1;)
		cell /= s->matrix[i].values.n;
	return s->matrix[key].values.v[cell % s->matrix[key].values.n];
}

/* What stands for a value in a name: the value, or key and number where nothing of it is left. */
static void value_name(const struct spec *s, size_t cell, size_t key, char *out, size_t n)
{
	const char *value = cell_value(s, cell, key);
	size_t number = 0;

	spec_safe_name(value, out, n);
	if (*out)
		return;
	if (!*value) {
		snprintf(out, n, "empty");
		return;
	}
	while (s->matrix[key].values.v[number++] != value)
		;
	snprintf(out, n, "%.40s-%zu", s->matrix[key].key, number);
}

static void cell_name(const struct spec *s, size_t cell, const char *recipe, struct buf *out)
{
	char part[64];
	bool letter = false;
	buf_str(out, recipe);
	for (size_t i = 0; i < s->nmatrix; i++) {
		value_name(s, cell, i, part, sizeof(part));
		letter |= strpbrk(part, "abcdefghijklmnopqrstuvwxyz") != NULL;
	}
	for (size_t i = 0; i < s->nmatrix; i++) {
		value_name(s, cell, i, part, sizeof(part));
		if (out->len)
			buf_char(out, '-');
		/* numbers alone would be no name: the key goes before each */
		if (!letter && !*recipe)
			buf_fmt(out, "%s-", s->matrix[i].key);
		buf_str(out, part);
	}
}

static void add_repeats(struct list *l, const struct spec *s, const struct spec_variant *recipe,
	const char *name, size_t cell, bool matrix)
{
	int times = s->repeat ? s->repeat : 1;
	for (int k = 1; k <= times; k++) {
		char *full = times > 1 ? xasprintf("%s-%d", name, k) : xstrdup(name);
		struct spec_variant *v = add_variant(l, s, recipe, full);
		for (size_t i = 0; matrix && i < s->nmatrix; i++) {
			char *kv = xasprintf("%s=%s", s->matrix[i].key, cell_value(s, cell, i));
			spec_env_put(&v->env, kv);
			free(kv);
		}
		free(full);
	}
}

static void expand_one(
	struct list *l, const struct spec *s, const struct spec_variant *recipe, size_t cells)
{
	bool matrix = s->nmatrix && !(recipe && own_command(recipe));
	char fallback[64];
	default_name(s, fallback, sizeof(fallback));
	if (!matrix) {
		add_repeats(l, s, recipe, recipe ? recipe->name : fallback, 0, false);
		return;
	}
	for (size_t c = 0; c < cells; c++) {
		struct buf name = BUF_INIT;
		cell_name(s, c, recipe ? recipe->name : "", &name);
		add_repeats(l, s, recipe, name.p, c, true);
		buf_release(&name);
	}
}

/* How many variants it will be; refuses what is too many or makes no sense. *cells = of the matrix.
 */
static int count_variants(const struct spec *s, bool *race_command, size_t *cells, struct err *e)
{
	bool has = s->command || s->argv.n;
	size_t relying = 0, own = 0, total;
	*cells = 1;
	for (size_t i = 0; i < s->nvariants; i++) {
		if (own_command(&s->variants[i])) {
			own++;
			continue;
		}
		relying++;
		if (has)
			continue;
		err_set(e, "spec",
			"the variant \"%s\" has no command, and the race has none either; give one "
			"of them a "
			"\"command\"",
			s->variants[i].name);
		return add_place(s, s->variants[i].line, e);
	}
	*race_command = has && !relying;
	if (!has && !s->nvariants) {
		err_set(e, "no_command",
			s->file ? "there is no \"command\" and no \"variants\", so nothing to run: "
				  "write one there, or a command after --, as in `yolodeck run -n "
				  "3 -- ./attempt.sh`"
				: "there is no command: write it after --, as in `yolodeck run -n "
				  "3 -- ./attempt.sh`");
		return add_place(s, 0, e);
	}
	for (size_t i = 0; i < s->nmatrix && *cells <= SPEC_MAX_VARIANTS; i++)
		*cells *= s->matrix[i].values.n;
	if (s->nmatrix && !has) {
		err_set(e, "spec",
			"matrix: it multiplies the race's command, but each variant has its own; "
			"give the race a "
			"\"command\"");
		return add_place(s, 0, e);
	}
	total = (relying + *race_command) * *cells + own;
	total *= (size_t)(s->repeat ? s->repeat : 1);
	if (total > SPEC_MAX_VARIANTS) {
		err_set(e, "spec", "this makes %s%zu variants; at most %d are possible",
			*cells > SPEC_MAX_VARIANTS ? "more than " : "", total, SPEC_MAX_VARIANTS);
		return add_place(s, 0, e);
	}
	return 0;
}

static int check_env(const struct spec *s, struct err *e)
{
	for (size_t k = 0; k < s->nmatrix; k++) {
		bool twice = spec_env_has(&s->env, s->matrix[k].key);
		for (size_t i = 0; i < k; i++)
			twice |= !strcmp(s->matrix[i].key, s->matrix[k].key);
		if (!twice)
			continue;
		err_set(e, "spec", "matrix.%s: it is set twice; keep one", s->matrix[k].key);
		return add_place(s, 0, e);
	}
	return 0;
}

int spec_check_expanded(const struct spec *s, struct err *e)
{
	struct list seen = { s->variants, 0 };
	if (!s->nvariants || s->nvariants > SPEC_MAX_VARIANTS)
		return err_set(e, "spec", "a race has 1 to %d variants, this one %zu",
			SPEC_MAX_VARIANTS, s->nvariants);
	if (s->nmatrix || s->repeat || s->prompt_file)
		return err_set(e, "spec",
			"the race is not expanded: it still has a matrix, a repeat or a "
			"prompt_file");
	for (size_t i = 0; i < s->nvariants; i++, seen.n++) {
		const struct spec_variant *v = &s->variants[i];
		if (!v->name || !spec_name_ok(v->name))
			return err_set(e, "spec", "variant %zu has no name", i + 1);
		if (name_taken(&seen, v->name))
			return err_set(e, "spec", "two variants are called \"%s\"", v->name);
		if (!v->command == !v->argv.n)
			return err_set(e, "spec", "the variant \"%s\" has %s", v->name,
				v->command ? "a command and an argv" : "no command");
	}
	return 0;
}

int spec_expand(struct spec *s, struct err *e)
{
	struct list l = { NULL, 0 };
	bool race_command;
	size_t cells;
	if (s->prompt_file)
		bug("spec_expand: prompt_file was not read");
	if (count_variants(s, &race_command, &cells, e) || check_env(s, e))
		return -1;
	if (!s->name && !s->prompt && !s->command && s->argv.n) {
		/* "sh" says nothing of what a shell was asked to do */
		char program[64];
		default_name(s, program, sizeof(program));
		s->name = xstrdup(program);
	}
	if (race_command)
		expand_one(&l, s, NULL, cells);
	for (size_t i = 0; i < s->nvariants; i++)
		expand_one(&l, s, &s->variants[i], cells);
	for (size_t i = 0; i < s->nvariants; i++)
		spec_variant_release(&s->variants[i]);
	free(s->variants);
	s->variants = l.v;
	s->nvariants = l.n;
	spec_clear_matrix(s);
	strv_release(&s->env);
	s->repeat = 0;
	return spec_check_expanded(s, e);
}
