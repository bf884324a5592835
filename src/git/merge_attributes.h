/* merge_attributes.h - how git would merge certain files: text, binary (always a conflict), union,
 * or by a driver of the user's, which we do not run. */
#ifndef GIT_MERGE_ATTRIBUTES_H
#define GIT_MERGE_ATTRIBUTES_H

#include "git/git.h"

/* By the .gitattributes of a commit, the user's info/attributes, core.attributesFile and
 * merge.default. lines: what core.attributesFile must say for a merge without his configuration;
 * empty = all are text. drivers: "Cargo.lock (merge=cargo)" for each that one of his drivers would
 * merge; these become binary in lines. common: the user's git dir; store: a git dir of ours. */
int merge_attributes(const char *common, const char *store, const char *commit,
	const struct strv *paths, struct buf *lines, struct strv *drivers, struct err *e);

/* Writes info/attributes of a git dir of ours, unless it is right already: every conversion is off,
 * and how files are merged is left to core.attributesFile. */
int merge_attributes_store(const char *path, struct err *e);

#endif
