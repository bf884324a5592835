/* dir_walk.h - visits every entry below a directory, through descriptors: never through a link,
 * never onto another file system. For trees of ours, and for reading what a command left behind;
 * what a running command may change under our hands and must be recorded right is git/walk's. */
#ifndef BASE_DIR_WALK_H
#define BASE_DIR_WALK_H

#include <stdbool.h>
#include <sys/stat.h>

struct dir_entry {
	int dirfd; /* open as long as the visit lasts */
	const char *name, *path; /* path: below the top */
	struct stat st; /* not followed */
	int depth; /* 0 = directly in the top */
};
enum dir_next { DIR_GO_ON, DIR_DO_NOT_ENTER, DIR_STOP };

struct dir_walk {
	/* A directory is visited before what is in it. */
	enum dir_next (*visit)(void *ctx, const struct dir_entry *ent);
	void *ctx;
	int max_depth; /* deeper directories are not entered */
	bool strict; /* what cannot be read ends the walk; else it is passed over */
};
/* Takes fd over. 0; -1 with errno when the walk ended early (0 = the visitor stopped it). */
int dir_walk(const struct dir_walk *w, int take_fd);

#endif
