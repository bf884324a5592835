/* run_here.h - a verb of ours on this terminal, in the place of the deck. */
#ifndef UI_RUN_HERE_H
#define UI_RUN_HERE_H

#include "ui/deck.h"

/* Runs a verb (argv[0] is put before it) and waits: its exit code, -1 = it did not start. One that
 * failed at once is left on the screen until Enter. */
int run_here(struct deck *d, const char *const *verb, struct err *e);

#endif
