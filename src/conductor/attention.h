/* attention.h - which rows need a person, and the evidence. */
#ifndef CONDUCTOR_ATTENTION_H
#define CONDUCTOR_ATTENTION_H

#include "conductor/state.h"

/* Of settle: judges the row; marks it when that changed. */
void attention_update(struct variant_run *run);

/* Pure: does the end of a log wait for an answer: no newline after it, and "?", ": " or "(y/N)" at
 * its end. shown (cleared first): that line, safe. */
bool attention_prompt(const char *tail, size_t n, struct buf *shown);

#endif
