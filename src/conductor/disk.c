/* disk.c - limits.disk: what work/, home/ and tmp/ take, measured every 10 s for the variants that
 * have such a limit. */
#include "conductor/disk.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/dir_walk.h"
#include "base/fs.h"
#include "base/mem.h"
#include "conductor/sched.h"

enum { DEPTH = 64, MEASURE_MS = 10000 };

struct disk_job {
	struct variant_run *run;
	int64_t bytes;
};

static enum dir_next add_size(void *ctx, const struct dir_entry *ent)
{
	int64_t links =
		S_ISREG(ent->st.st_mode) && ent->st.st_nlink > 1 ? (int64_t)ent->st.st_nlink : 1;

	*(int64_t *)ctx += (int64_t)ent->st.st_blocks * 512 / links;
	return DIR_GO_ON;
}

static void disk_work(void *arg)
{
	static const char *const parts[] = { "work", "home", "tmp" };
	struct disk_job *j = arg;
	struct dir_walk w = { add_size, &j->bytes, DEPTH, false };

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		char *path = fs_join(j->run->dir, parts[i]);
		int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0)
			dir_walk(&w, fd);
		free(path);
	}
}

static void disk_done(void *arg)
{
	struct disk_job *j = arg;
	int64_t limit = j->run->recipe ? j->run->recipe->limits.disk : 0;
	char size[32], reason[96];

	if (j->run->v->state == VS_RUNNING && limit > 0 && j->bytes > limit) {
		spec_fmt_size(limit, size, sizeof(size));
		snprintf(reason, sizeof(reason), "stopped: disk limit %s", size);
		sched_kill(j->run, reason);
	}
	free(j);
}

static bool has_disk_limit(const struct variant_run *run)
{
	return run->recipe && run->recipe->limits.disk > 0 && run->v->state == VS_RUNNING;
}

static size_t for_all(struct conductor *c, bool post)
{
	size_t n = 0;

	for (size_t i = 0; i < c->set.n; i++) {
		for (size_t k = 0; k < c->race[i]->race->n; k++) {
			struct variant_run *run = &c->race[i]->v[k];
			struct disk_job *j;
			if (!has_disk_limit(run))
				continue;
			n++;
			if (!post)
				continue;
			j = xcalloc(1, sizeof(*j));
			j->run = run;
			pool_post_serial(loop_pool(c->loop), "disk", disk_work, disk_done, j);
		}
	}
	return n;
}

static void disk_tick(void *ctx)
{
	struct conductor *c = ctx;

	c->disk_timer = NULL;
	for_all(c, true);
	disk_timer(c);
}

void disk_timer(struct conductor *c)
{
	if (!c->disk_timer && for_all(c, false))
		c->disk_timer = loop_after(c->loop, MEASURE_MS, disk_tick, c);
}
