/* keymap.c - the table's key names, read once into numbers. */
#include "ui/keymap.h"

#include <string.h>

enum { MAX_KEYS = 12, MAX_ACTIONS = 64 };

static int32_t parsed[MAX_ACTIONS][MAX_KEYS];
static int ready;

static void parse_keys(const char *names, int32_t out[MAX_KEYS])
{
	char word[16];
	int n = 0;

	while (*names && n < MAX_KEYS - 1) {
		size_t len = strcspn(names, " ");

		if (len >= sizeof(word))
			return;
		memcpy(word, names, len);
		word[len] = '\0';
		out[n++] = input_key_parse(word);
		names += len;
		names += strspn(names, " ");
	}
}

static void prepare(void)
{
	for (size_t i = 0; !ready && i < action_count && i < MAX_ACTIONS; i++)
		parse_keys(actions[i].keys, parsed[i]);
	ready = 1;
}

int32_t keymap_key(const struct action *a, size_t i)
{
	prepare();
	return i < MAX_KEYS ? parsed[a - actions][i] : KEY_NONE;
}

const struct action *keymap_find(unsigned context, int32_t key)
{
	prepare();
	for (size_t i = 0; i < action_count; i++)
		for (int k = 0; (actions[i].contexts & context) && parsed[i][k]; k++)
			if (parsed[i][k] == key)
				return &actions[i];
	return NULL;
}
