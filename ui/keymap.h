/* keymap.h - from a key to its action, in a place. Made from the table of actions once. */
#ifndef UI_KEYMAP_H
#define UI_KEYMAP_H

#include "ui/action.h"

/* NULL = the key does nothing here. */
const struct action *keymap_find(unsigned context, int32_t key);
/* Walks the keys of an action: keymap_key(a, 0), (a, 1) ... until KEY_NONE. */
int32_t keymap_key(const struct action *a, size_t i);

#endif
