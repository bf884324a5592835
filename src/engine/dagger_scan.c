/* dagger_scan.c - the processes of the pipeline that a race has had, as they stand on disk. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "engine/dagger.h"

static bool loaded(const struct dagger *d, int race, int number)
{
	for (const struct dagger_pipe *p = d->pipes; p; p = p->next)
		if (p->race == race && p->k == number)
			return true;
	return false;
}

void dagger_scan(struct dagger *d, int race, const char *race_dir)
{
	char *pipes;
	struct dirent *de;
	DIR *dir;

	pipes = fs_join(race_dir, "pipe");
	dir = opendir(pipes);
	while (dir && (de = readdir(dir))) {
		char *end, *path;
		long n = strtol(de->d_name, &end, 10);
		if (end == de->d_name || *end || n < 0 || n > 10000 || loaded(d, race, (int)n))
			continue;
		path = fs_join(pipes, de->d_name);
		dagger_pipe_load(d, race, (int)n, path);
		free(path);
	}
	if (dir)
		closedir(dir);
	free(pipes);
}

struct dagger_pipe *dagger_find_started(struct dagger *d, int race, const char *id)
{
	struct dagger_pipe *best = NULL;

	for (struct dagger_pipe *p = d->pipes; p; p = p->next)
		if (p->race == race && (!best || p->k > best->k) && dagger_pipe_known(p, id, false))
			best = p;
	return best;
}

struct dagger_pipe *dagger_find_open(struct dagger *d, int race, const char *host, bool collect)
{
	for (struct dagger_pipe *p = d->pipes; p; p = p->next)
		if (p->race == race && !p->dead && !p->quit && !p->bye && !p->fatal &&
			p->collect == collect && !strcmp(p->host, host))
			return p;
	return NULL;
}
