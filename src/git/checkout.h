/* checkout.h - from a base commit to N private work directories (facts: git.md 1, 8.1-8.3).
 * Blocking: call in a worker. */
#ifndef GIT_CHECKOUT_H
#define GIT_CHECKOUT_H

#include "git/template.h"

/* Pins R/base, makes the quarantine, the base store and the template. May be called again after a
 * crash: it finishes. */
int checkout_prepare(struct checkout_race *c, struct err *e);
/* Copies the template to <variant dir>/work (which must not exist or holds our unfinished copy),
 * makes home/ and tmp/, seeds <variant dir>/walk.cache. Threads: copies of several variants may run
 * at once. uid/gid: chown of the three when != -1. */
int checkout_variant(
	const struct checkout_race *c, const char *variant_dir, int uid, int gid, struct err *e);
/* --continue: the same from `start`, a commit that was saved in this race, instead of the base; it
 * is HEAD of the private .git, and its objects are in start_store, which is mounted as the base
 * store of this variant. c was prepared. Two with the same start_store must not run at once. Its
 * template <variant dir>/tpl/tree stays until checkout_continue_finish. */
int checkout_continue(const struct checkout_race *c, const char *start, const char *start_store,
	const char *variant_dir, int uid, int gid, struct err *e);
void checkout_continue_finish(const char *variant_dir);
/* Removes the template once all copies are made. */
void checkout_finish(const struct checkout_race *c);

#endif
