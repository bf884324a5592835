/* attributes.h - what the user's git would do to a file's bytes when it is added: line endings and
 * filters. We record files as they are, so line endings are normalised afterwards (normalize.h) and
 * filters, which we never run, are named. Blocking.
 *
 * git itself is asked, in the user's repository, with the .gitattributes of a commit of the user's
 * (plus info/attributes and core.attributesFile): never with those of a variant. */
#ifndef GIT_ATTRIBUTES_H
#define GIT_ATTRIBUTES_H

#include "git/git.h"
#include "git/changes.h"

/* The values of the named attributes (array up to NULL) for each path, one after the other, as `git
 * check-attr` prints them: "set", "unset", "unspecified" or a text. common: the user's git dir;
 * store: a git dir for a file that is gone at the end. Paths need not exist. */
int attributes_values(const char *common, const char *store, const char *commit,
	const struct strv *paths, const char *const *names, struct strv *values, struct err *e);

enum attr_eol {
	ATTR_EOL_KEEP, /* -text, or nothing is said */
	ATTR_EOL_TEXT, /* CRLF becomes LF */
	ATTR_EOL_AUTO, /* the same, if it looks like text and its version in the base has no CRLF */
};
struct attr {
	enum attr_eol eol;
	char *filter; /* a driver that the user's configuration defines; NULL = none */
	bool required; /* filter.<name>.required */
};
struct attributes {
	struct attr *v; /* one for each path, same order */
	size_t n;
};
/* Paths and store as above. */
int attributes_read(const struct git_repo *repo, const char *store, const char *commit,
	const struct strv *paths, struct attributes *out, struct err *e);
void attributes_release(struct attributes *a);

/* Paths whose content is new: regular files that were added or changed. */
void attributes_paths(const struct changes *c, struct strv *paths);
/* "secret.env (git-crypt)" for each path with a filter; those of required ones, without it, too. */
void attributes_filtered(const struct attributes *a, const struct strv *paths, struct strv *named,
	struct strv *required);
/* Turns CRLF into LF where git would. false: nothing was changed. */
bool attributes_to_lf(enum attr_eol eol, bool base_has_crlf, struct buf *b);

#endif
