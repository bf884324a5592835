/* test_store.c - the state directory: opening, claims by several processes at once, damaged files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "base/mem.h"
#include "model/store.h"

static char dir[64];

static int setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/yolodeck-store-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	setenv("XDG_STATE_HOME", dir, 1);
	return 0;
}

static int teardown(void **state)
{
	struct err e = ERR_INIT;
	char *marker = fs_join(dir, "mark");
	int rc = fs_create(marker, 0600, "", 0, &e);
	free(marker);
	return rc ? rc : fs_remove_tree(dir, "mark", &e);
}

static void opening(void **state)
{
	struct store a, b;
	struct err e = ERR_INIT;
	struct stat st;
	assert_int_equal(store_open(&a, "/src/my parser/.git", false, &e), -1);
	assert_string_equal(e.code, "not_found");
	assert_int_equal(store_open(&a, "/src/my parser/.git", true, &e), 0);
	assert_non_null(strstr(a.dir, "/yolodeck/my_parser-"));
	assert_int_equal(strlen(a.id), 16);
	assert_int_equal(stat(a.dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(store_open(&b, "/src/my parser/.git", false, &e), 0);
	assert_string_equal(a.id, b.id);
	assert_string_equal(a.dir, b.dir);
	store_release(&b);
	assert_int_equal(store_open(&b, "/other/my parser/.git", true, &e), 0);
	assert_string_not_equal(a.dir, b.dir);
	assert_string_not_equal(a.id, b.id);
	store_release(&b);
	assert_int_equal(store_open(&b, "/src/bare.git", true, &e), 0);
	assert_non_null(strstr(b.dir, "/yolodeck/bare-"));
	store_release(&b);
	char *path = store_path(&a, "repo");
	assert_int_equal(fs_replace(path, "0123456789abcdef\n/elsewhere", 27, &e), 0);
	assert_int_equal(store_open(&b, "/src/my parser/.git", true, &e), -1);
	assert_string_equal(e.code, "wrong_repo");
	assert_int_equal(fs_replace(path, "x", 1, &e), 0);
	assert_int_equal(store_open(&b, "/src/my parser/.git", true, &e), -1);
	assert_string_equal(e.code, "damaged");
	free(path);
	store_release(&a);
}

static void a_state_directory_open_to_others_is_refused(void **state)
{
	struct store s;
	struct err e = ERR_INIT;
	assert_int_equal(store_open(&s, "/src/p/.git", true, &e), 0);
	assert_int_equal(chmod(s.dir, 0755), 0);
	struct store again;
	assert_int_equal(store_open(&again, "/src/p/.git", true, &e), -1);
	assert_int_equal(chmod(s.dir, 0700), 0);
	store_release(&s);
}

enum { PROCESSES = 4, CLAIMS = 25 };

static void four_processes_claim_different_numbers(void **state)
{
	int fd[2];
	bool seen[PROCESSES * CLAIMS + 12] = { false };
	assert_int_equal(pipe(fd), 0);
	for (int p = 0; p < PROCESSES; p++)
		if (fork() == 0) {
			struct store s;
			struct err e = ERR_INIT;
			if (store_open(&s, "/src/p/.git", true, &e))
				_exit(1);
			for (int i = 0; i < CLAIMS; i++) {
				int n = store_claim_race(&s, 10, &e);
				if (n < 0 || write(fd[1], &n, sizeof(n)) != sizeof(n))
					_exit(1);
			}
			store_release(&s);
			_exit(0);
		}
	close(fd[1]);
	int n, count = 0, status;
	while (read(fd[0], &n, sizeof(n)) == sizeof(n)) {
		assert_in_range(n, 11, PROCESSES * CLAIMS + 10);
		assert_false(seen[n]);
		seen[n] = true;
		count++;
	}
	close(fd[0]);
	for (int p = 0; p < PROCESSES; p++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(count, PROCESSES * CLAIMS);
}

static struct race *make_race(const struct store *s, int number)
{
	static const char file[] = "{ \"name\": \"N\", \"command\": \"x\", \"repeat\": 3 }";
	struct race *r = race_new(number);
	struct err e = ERR_INIT;
	assert_int_equal(spec_parse(&r->spec, "r.json", file, strlen(file), &e), 0);
	assert_int_equal(spec_expand(&r->spec, &e), 0);
	r->slug = xstrdup("n");
	r->base = xstrdup("0123456789012345678901234567890123456789");
	r->created_ns = 1764000000000000000;
	assert_int_equal(store_save_race(s, r, &e), 0);
	for (size_t i = 0; i < r->spec.nvariants; i++) {
		struct variant *v =
			race_add(r, variant_new(number, (int)i + 1, r->spec.variants[i].name));
		v->state = VS_PASSED;
		v->archived = true;
		assert_int_equal(store_save_variant(s, v, &e), 0);
	}
	return r;
}

static void put(const struct store *s, const char *name, const char *text)
{
	struct err e = ERR_INIT;
	char *path = store_path(s, "%s", name);
	assert_int_equal(fs_replace(path, text, strlen(text), &e), 0);
	free(path);
}

static void drop(const struct store *s, const char *name)
{
	char *path = store_path(s, "%s", name);
	assert_int_equal(unlink(path), 0);
	free(path);
}

static void free_all(struct race **all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		race_free(all[i]);
	free(all);
}

static void all_races_come_back_in_order(void **state)
{
	struct store s;
	struct err e = ERR_INIT;
	struct race **all;
	size_t n;
	assert_int_equal(store_open(&s, "/src/p/.git", true, &e), 0);
	race_free(make_race(&s, 10));
	race_free(make_race(&s, 2));
	assert_int_equal(store_claim_race(&s, 0, &e), 11);
	assert_int_equal(store_load(&s, &all, &n, &e), 0);
	assert_int_equal(n, 2);
	assert_int_equal(all[0]->number, 2);
	assert_int_equal(all[1]->number, 10);
	assert_int_equal(all[1]->n, 3);
	assert_string_equal(all[1]->v[2]->name, "n-3");
	assert_int_equal(all[1]->v[2]->state, VS_PASSED);
	free_all(all, n);
	store_release(&s);
}

static void what_is_damaged_is_shown_as_lost_and_left(void **state)
{
	struct store s;
	struct err e = ERR_INIT;
	struct race **all;
	size_t n;
	assert_int_equal(store_open(&s, "/src/p/.git", true, &e), 0);
	race_free(make_race(&s, 1));
	race_free(make_race(&s, 2));
	race_free(make_race(&s, 3));
	put(&s, "races/1/n-1/variant.json", "{\"v\":1,\"ra");
	put(&s, "races/1/n-2/variant.json",
		"{\"v\":1,\"race\":9,\"number\":2,\"variant\":\"n-2\",\"state\":\"passed\"}");
	put(&s, "races/2/race.json", "not json");
	drop(&s, "races/3/n-1/variant.json");
	drop(&s, "races/3/n-2/variant.json");
	put(&s, "races/3/n-2/log", "output");
	assert_int_equal(store_load(&s, &all, &n, &e), 0);
	assert_int_equal(n, 3);
	assert_int_equal(all[0]->n, 3);
	assert_int_equal(all[0]->v[0]->state, VS_LOST);
	assert_non_null(strstr(all[0]->v[0]->reason, "variant.json"));
	assert_int_equal(all[0]->v[1]->state, VS_LOST);
	assert_int_equal(all[0]->v[2]->state, VS_PASSED);
	assert_string_equal(all[1]->slug, "damaged");
	assert_int_equal(all[1]->n, 3);
	assert_int_equal(all[1]->v[2]->state, VS_LOST);
	assert_int_equal(all[2]->v[0]->state, VS_QUEUED);
	assert_int_equal(all[2]->v[1]->state, VS_LOST);
	char *left = store_path(&s, "races/1/n-1/variant.json");
	struct buf b = BUF_INIT;
	assert_int_equal(fs_read(left, 100, &b, &e), 0);
	assert_string_equal(b.p, "{\"v\":1,\"ra");
	buf_release(&b);
	free(left);
	free_all(all, n);
	store_release(&s);
}

static void save_again(const struct store *s, int number, const char *name, const char *origin,
	enum variant_state state, int64_t created)
{
	struct variant *v = variant_new(1, number, name);
	struct err e = ERR_INIT;
	v->origin = xstrdup(origin);
	v->start = xstrdup("89abcdef89abcdef89abcdef89abcdef89abcdef");
	v->state = state;
	v->created_ns = created;
	assert_int_equal(store_save_variant(s, v, &e), 0);
	variant_free(v);
}

static void what_was_run_again_comes_back_by_its_directory(void **state)
{
	struct store s;
	struct err e = ERR_INIT;
	struct race **all;
	size_t n;
	assert_int_equal(store_open(&s, "/src/p/.git", true, &e), 0);
	race_free(make_race(&s, 1));
	save_again(&s, 4, "n-2.2", "n-2", VS_PASSED, 10);
	save_again(&s, 6, "n-1.3", "n-1.2", VS_QUEUED, 30); /* two were made at once */
	save_again(&s, 6, "n-1.2", "n-1", VS_RUNNING, 20);
	save_again(&s, 8, "x.2", "x", VS_RUNNING, 40); /* of nothing that is there */
	char *made = store_path(&s, "races/1/torn");
	assert_int_equal(fs_mkdirs(made, 0700, &e), 0);
	put(&s, "races/1/torn/variant.json", "{\"v\":1,");
	free(made);
	made = store_path(&s, "races/1/claimed.2"); /* nothing was written yet: it is none */
	assert_int_equal(fs_mkdirs(made, 0700, &e), 0);
	free(made);
	assert_int_equal(store_load(&s, &all, &n, &e), 0);
	assert_int_equal(n, 1);
	struct race *r = all[0];
	assert_int_equal(r->n, 8);
	for (size_t i = 0; i < r->n; i++)
		assert_int_equal(r->v[i]->number, i + 1);
	assert_string_equal(r->v[3]->name, "n-2.2");
	assert_string_equal(r->v[3]->origin, "n-2");
	assert_string_equal(r->v[3]->start, "89abcdef89abcdef89abcdef89abcdef89abcdef");
	assert_string_equal(r->v[4]->name, "torn"); /* where one was missing */
	assert_int_equal(r->v[4]->state, VS_LOST);
	assert_string_equal(r->v[5]->name, "n-1.2");
	assert_string_equal(r->v[6]->name, "n-1.3");
	assert_int_equal(r->v[6]->state, VS_QUEUED);
	assert_ptr_equal(race_recipe(r, r->v[6]), &r->spec.variants[0]);
	assert_int_equal(r->v[7]->state, VS_LOST);
	assert_non_null(strstr(r->v[7]->reason, "run again from"));
	free_all(all, n);
	store_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(opening, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_state_directory_open_to_others_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
			four_processes_claim_different_numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(all_races_come_back_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_is_damaged_is_shown_as_lost_and_left, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_was_run_again_comes_back_by_its_directory, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
