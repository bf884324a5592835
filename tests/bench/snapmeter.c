/* snapmeter.c - times checkout and snapshots of a repository: snapmeter REPO SCRATCH COPIES EDITS
 *
 * Prints one JSON object: ms of preparing, of COPIES work directories at once, of a snapshot in
 * which EDITS files changed (median of 5), of one in which nothing did, and of a full one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/pool.h"
#include "git/checkout.h"
#include "git/snapshot.h"

enum { ROUNDS = 5, COPY_THREADS = 2 };

static struct err e;

static _Noreturn void fail(void)
{
	fprintf(stderr, "snapmeter: %s\n", e.msg);
	exit(1);
}

struct copies {
	const struct checkout_race *race;
	const char *scratch;
	int bad;
};

static void copy_one(void *ctx, size_t i)
{
	struct copies *c = ctx;
	struct err why = ERR_INIT;
	char *dir = xasprintf("%s/v%zu", c->scratch, i);

	if (fs_mkdirs(dir, 0700, &why) < 0 || checkout_variant(c->race, dir, -1, -1, &why) < 0) {
		fprintf(stderr, "snapmeter: %s\n", why.msg);
		c->bad = 1;
	}
	free(dir);
}

static void edit(const char *work, int edits, int round)
{
	for (int i = 0; i < edits; i++) {
		char *path = xasprintf("%s/d%d/f%d.txt", work, i % 10, i);
		FILE *f = fopen(path, "a");

		if (!f) {
			perror(path);
			exit(1);
		}
		fprintf(f, "round %d\n", round);
		fclose(f);
		free(path);
	}
}

static double snap(const struct snapshot_in *in)
{
	struct snapshot_out out;
	int64_t t0 = clock_mono_ns();

	if (snapshot_take(in, &out, &e) < 0)
		fail();
	snapshot_out_release(&out);
	return (double)(clock_mono_ns() - t0) / 1e6;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median_of_edits(const struct snapshot_in *in, int edits)
{
	double ms[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		edit(in->work, edits, i);
		ms[i] = snap(in);
	}
	qsort(ms, ROUNDS, sizeof *ms, by_value);
	return ms[ROUNDS / 2];
}

int main(int argc, char **argv)
{
	struct git_repo repo;
	/* A number no race of the repository has: its pin must be new. */
	int number = 1000000 + (int)getpid();
	struct checkout_race race = { .repo = &repo, .race = number };
	struct snapshot_in in = {
		.repo = &repo, .race = number, .variant = "v0", .subject = "bench"
	};
	struct copies copies = { .race = &race };
	double prepare, copy, changed, idle, full;
	int64_t t0;

	if (argc != 5)
		return 2;
	if (git_repo_open(&repo, argv[1], &e) < 0)
		fail();
	race.base = in.base = repo.head;
	race.race_dir = fs_join(argv[2], "race");
	race.base_store = fs_join(argv[2], "base.git");
	if (fs_mkdirs(race.race_dir, 0700, &e) < 0)
		fail();
	t0 = clock_mono_ns();
	if (checkout_prepare(&race, &e) < 0)
		fail();
	prepare = (double)(clock_mono_ns() - t0) / 1e6;
	copies.scratch = race.race_dir;
	t0 = clock_mono_ns();
	pool_parallel((size_t)strtol(argv[3], NULL, 10), COPY_THREADS, copy_one, &copies);
	copy = (double)(clock_mono_ns() - t0) / 1e6;
	if (copies.bad)
		return 1;
	in.quarantine = fs_join(race.race_dir, "q.git");
	in.work = fs_join(race.race_dir, "v0/work");
	in.cache = fs_join(race.race_dir, "v0/walk.cache");
	changed = median_of_edits(&in, (int)strtol(argv[4], NULL, 10));
	snap(&in);
	idle = snap(&in);
	in.full = true;
	full = snap(&in);
	printf("{\"prepare_ms\":%.1f,\"copies_ms\":%.1f,\"changed_ms\":%.1f,\"idle_ms\":%.1f,\"full_ms\":%.1f}\n",
		prepare, copy, changed, idle, full);
	return 0;
}
