/* sample.h - cpu, memory, live diff columns, conflicts and attention, only while a client watches;
 * and the two watches that go on without one: limits.disk. */
#ifndef CONDUCTOR_SAMPLE_H
#define CONDUCTOR_SAMPLE_H

#include "conductor/state.h"

enum { SAMPLE_MS = 1000, SAMPLE_SNAP_MS = 4000, SAMPLE_DISK_MS = 10000 };

void sample_begin(struct conductor *c); /* the first watcher came */
void sample_stop(struct conductor *c); /* the last one left */
/* Once, now: for one who asks without watching (a status line). */
void sample_all(struct conductor *c);
/* A state changed: what was sampled of it may not be true any more. */
void sample_forget(struct variant_run *vr);
/* The disk limit's timer runs while a live variant has such a limit. */
void sample_disk(struct conductor *c);

/* The badge of conflicts with the base branch, anew for all of a race that have a commit (its tip
 * moved, or one was saved). */
void sample_conflicts(struct race_run *r);
/* Looks whether the row needs a person, and why (attention.c). */
void attention_update(struct variant_run *vr);

/* Pure: does the end of a log wait for an answer: no newline after it, and "?", ": " or "(y/N)" at
 * its end. shown (cleared first): that line, safe. */
bool attention_prompt(const char *tail, size_t n, struct buf *shown);

#endif
