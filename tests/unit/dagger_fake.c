/* dagger_fake.c - included by dagger_rig.h: a pipeline for tests of the engine's C side. It keeps
 * the contract of the files and needs no Go and no Dagger; what it does with a task is the first
 * word of the task's argv. Words: "exit N" runs and ends with N; "never" is not started; "fatal"
 * gives up before it; "dies" runs and dies; "dies-early" dies without an ack; "wait" runs until it
 * is stopped or DIR/../../go exists; "copy" writes its task file beside it. Files in the race's
 * directory hold a process up at its start: "slow-lock" a collector before it takes its lock,
 * "slow-pid" any process between taking the lock and writing its pid, until the file is gone. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "model/runlog.h"

static char task_id[4][80], task_path[4][400];
static struct json *task_json[4];
static int ntasks, seq;
static bool collect;

static void emit(const char *ev, const char *id, const char *key, const char *value, int n)
{
	struct json *j = json_object();
	struct buf b = BUF_INIT;

	json_put_int(j, "seq", ++seq);
	json_put_int(j, "t", 1);
	json_put_str(j, "ev", ev);
	if (id)
		json_put_str(j, "id", id);
	if (key)
		json_put_str(j, key, value);
	if (n)
		json_put_int(j, "n", n);
	json_print(j, &b);
	buf_char(&b, '\n');
	if (fs_write_all(1, b.p, b.len))
		_exit(9);
	buf_release(&b);
	json_free(j);
}

static void end(int i, const char *cause, const char *text)
{
	struct json *j = json_object();
	struct buf b = BUF_INIT;

	json_put_str(j, "ev", "end");
	json_put_str(j, "id", task_id[i]);
	json_put_str(j, "cause", cause);
	json_put_str(j, "text", text);
	json_put_bool(j, "tree", strcmp(text, "no room") != 0);
	json_print(j, &b);
	buf_char(&b, '\n');
	if (fs_write_all(1, b.p, b.len))
		_exit(9);
	buf_release(&b);
	json_free(j);
	task_id[i][0] = '\0';
}

static void write_log(int i, const char *text, int code, enum runlog_cause cause)
{
	struct runlog_writer w;
	int log = open(json_str(task_json[i], "log", ""), O_WRONLY | O_APPEND);
	int idx = open(json_str(task_json[i], "idx", ""), O_WRONLY | O_APPEND);

	runlog_writer_init(&w, log, idx, 0);
	runlog_output(&w, RUNLOG_STDOUT, text, strlen(text));
	if (code >= 0)
		runlog_exit(&w, (uint32_t)code, cause);
	close(log);
	close(idx);
}

static const char *word(int i, int at)
{
	const struct json *a = json_first(json_get(task_json[i], "argv"));

	while (a && at-- > 0)
		a = json_next(a);
	return a ? json_to_str(a) : "";
}

static void start(const char *path, int n)
{
	struct err e;
	struct buf b = BUF_INIT;
	int i = ntasks++;

	if (fs_read(path, 8 << 20, &b, &e) || !(task_json[i] = json_parse(b.p, b.len, &e)))
		_exit(8);
	snprintf(task_path[i], sizeof task_path[i], "%s", path);
	snprintf(task_id[i], sizeof task_id[i], "%s", json_str(task_json[i], "id", ""));
	buf_release(&b);
	if (collect) {
		emit("ack", NULL, NULL, NULL, n);
		if (!strcmp(word(i, 1), "both"))
			_exit(1);
		emit("note", task_id[i], "text", "loading image", 0);
		if (!strcmp(word(i, 1), "silent")) {
			end(i, "gone", "the container ended without a word");
			return;
		}
		write_log(i, "", 4, RUNLOG_BY_ITSELF);
		end(i, "ended", "");
		return;
	}
	if (!strcmp(word(i, 0), "dies-early"))
		_exit(1);
	if (!strcmp(word(i, 0), "fatal")) {
		emit("fatal", NULL, "text", "the engine is v0.1; install v0.21.8", 0);
		_exit(2);
	}
	emit("ack", NULL, NULL, NULL, n);
	emit("note", task_id[i], "text", "loading image", 0);
	if (!strcmp(word(i, 0), "never")) {
		end(i, "not_started", "no such image: x");
		return;
	}
	emit("state", task_id[i], "state", "running", 0);
	if (!strcmp(word(i, 0), "exit")) {
		write_log(i, "out\n", atoi(word(i, 1)), RUNLOG_BY_ITSELF);
		end(i, "ended", "");
	} else if (!strcmp(word(i, 0), "dies")) {
		write_log(i, "some\n", -1, 0);
		_exit(1);
	} else if (!strcmp(word(i, 0), "no-tree")) {
		write_log(i, "out\n", 0, RUNLOG_BY_ITSELF);
		end(i, "ended", "no room");
	} else if (!strcmp(word(i, 0), "gone")) {
		end(i, "engine", "the Dagger engine went away");
	}
}

static void line(const char *text, size_t n, int *last)
{
	struct err e;
	struct json *j = json_parse(text, n, &e);
	int number = (int)json_int(j, "n", 0);
	const char *s = json_str(j, "start", NULL), *stop = json_str(j, "stop", NULL);

	if (number > *last) {
		*last = number;
		if (s)
			start(s, number);
		for (int i = 0; stop && i < ntasks; i++)
			if (!strcmp(task_id[i], stop)) {
				write_log(i, "", 143, RUNLOG_STOPPED);
				end(i, "ended", "");
			}
		if (!s)
			emit("ack", NULL, NULL, NULL, number);
		if (json_bool(j, "quit", false)) {
			emit("bye", NULL, NULL, NULL, 0);
			_exit(0);
		}
	}
	json_free(j);
}

/* Tasks that wait end when their directory holds "go". */
static void waiting(void)
{
	for (int i = 0; i < ntasks; i++) {
		char path[500];
		snprintf(path, sizeof path, "%s/go", json_str(task_json[i], "dir", ""));
		if (task_id[i][0] && fs_exists(path)) {
			write_log(i, "late\n", 5, RUNLOG_BY_ITSELF);
			end(i, "ended", "");
		}
	}
}

/* Up to 30 s: a process that nobody waits for any more ends by itself. */
static void held_up(const char *dir, const char *name)
{
	char *path = xasprintf("%s/../../%s", dir, name);

	for (int i = 0; i < 3000 && fs_exists(path); i++)
		poll(NULL, 0, 10);
	free(path);
}

/* main of `<program> run DIR` */
static int dagger_fake(const char *dir)
{
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	char *control = fs_join(dir, "control.jsonl"), *lock = fs_join(dir, "lock"),
	     *plan = fs_join(dir, "plan.json"), pid[32];
	size_t at = 0;
	int last = 0, fd;

	if (fs_read(plan, 1 << 20, &b, &e))
		return 4;
	struct json *j = json_parse(b.p, b.len, &e);
	collect = json_bool(j, "collect_only", false);
	json_free(j);
	if (collect)
		held_up(dir, "slow-lock");
	fd = fs_lock(lock, &e);
	/* not empty: a conductor found the lock free, and counts this process as dead */
	if (fd < 0 || lseek(fd, 0, SEEK_END) > 0)
		return 3;
	held_up(dir, "slow-pid");
	snprintf(pid, sizeof pid, "%d\n", (int)getpid());
	if (fs_write_all(fd, pid, strlen(pid)))
		return 4;
	emit("hello", NULL, "version", "v0.21.8", 0);
	/* an abandoned one ends by itself */
	for (int turn = 0; turn < 3000; turn++) {
		const char *nl;
		if (fs_read(control, 8 << 20, &b, &e) == 0)
			while (at < b.len && (nl = memchr(b.p + at, '\n', b.len - at))) {
				line(b.p + at, (size_t)(nl - b.p) - at, &last);
				at = (size_t)(nl - b.p) + 1;
			}
		waiting();
		poll(NULL, 0, 10);
	}
	return 5;
}
