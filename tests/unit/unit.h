/* unit.h - what the unit programs share: cmocka's includes, a private directory, waiting with a
 * deadline. */
#ifndef UNIT_UNIT_H
#define UNIT_UNIT_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"

/* A new directory under /tmp; unit_rmdir removes it with all in it and frees the name. */
static inline char *unit_mkdir(void)
{
	char *dir = xstrdup("/tmp/yolodeck-unit-XXXXXX"), *mark;
	struct err e = ERR_INIT;

	assert_non_null(mkdtemp(dir));
	mark = fs_join(dir, ".unit");
	assert_int_equal(fs_create(mark, 0600, "", 0, &e), 0);
	free(mark);
	return dir;
}

static inline void unit_rmdir(char *take_dir)
{
	struct err e = ERR_INIT;

	if (fs_remove_tree(take_dir, ".unit", &e) < 0)
		fail_msg("%s", e.msg);
	free(take_dir);
}

/* Milliseconds until a wait fails: as long as a busy machine may take. What holds ends the wait at
 * once, so it costs nothing. */
enum { UNIT_DEADLINE = 60000 };

/* Polls cond every 2 ms until it holds; the test fails at the deadline. */
#define UNIT_WAIT(cond) \
	do { \
		int64_t unit_end = clock_mono_ms() + UNIT_DEADLINE; \
		while (!(cond) && clock_mono_ms() < unit_end) \
			poll(NULL, 0, 2); \
		assert_true(cond); \
	} while (0)

#endif
