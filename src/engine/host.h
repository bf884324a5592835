/* host.h - image "host": the host's programs, read-only. One mount table, shared by docker and
 * local (DESIGN 6).
 *
 * Never /, $HOME, /run, /var/run, the state directory or the repository: what is not in the table
 * is not there inside. */
#ifndef ENGINE_HOST_H
#define ENGINE_HOST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* One path of the host, seen at the same or another path inside, read-only. */
struct host_mount {
	char *source; /* what is mounted: absolute, links resolved */
	char *target; /* where it is seen inside */
	char *link; /* NULL, or target is a link on the host with this text (/bin -> usr/bin):
		       docker binds source there, bwrap makes the link again */
};
struct host {
	struct host_mount *m;
	size_t n;
	char *path; /* PATH inside: the user's, reduced to what is visible */
};

/* Fills h (release it also after an error). gen_dir: an existing directory of ours in which the
 * generated passwd and group (uid, gid named "yolo", home /home/yolo) are written; they are in the
 * table as /etc/passwd and /etc/group. mounts: the race's own ("~/.nvm", absolute after the
 * conductor's check), same path inside. */
int host_table(struct host *h, const char *gen_dir, int uid, int gid, const struct strv *mounts,
	struct err *e);
void host_release(struct host *h);

/* Environment of a command: env (K=V), then HOME and USER, and of image host (h->path) PATH and a
 * UTF-8 locale unless env names one. Appended to out. */
void host_environment(const struct host *h, const struct strv *env, struct strv *out);

/* path is dir or lies below it, by their text. */
bool host_below(const char *path, const char *dir);
/* "~/x" -> the user's home; else a copy. The caller frees. */
char *host_expand(const char *path);

/* Are the race's mounts allowed? Else the sentence. state_dir and repo (NULL = none) may not be
 * inside or above one. */
int host_check_mounts(
	const struct strv *mounts, const char *state_dir, const char *repo, struct err *e);

/* After exit 127: where the host has the program and the container does not see it ("claude is in
 * ~/.local/bin, which the container does not see; add it to mounts"). False = the host has none
 * either. */
bool host_explain_127(const struct host *h, const char *program, char *out, size_t n);

#endif
