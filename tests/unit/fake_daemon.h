/* fake_daemon.h - a Docker engine made of a table, in a forked process, for tests only: it answers
 * each request by a script.
 *
 * A rule matches "METHOD /path" as a prefix after the version ("/v1.41") was taken off; "*" in the
 * rule matches any run of characters but '/' and '?'. The first rule that fits answers. Every
 * request is appended to <dir>/requests, one line each: "METHOD /full/path BODY", or "METHOD
 * /full/path auth=VALUE" for one with an X-Registry-Auth. When the client leaves a FAKE_STREAM:
 * "CLOSED METHOD /path". */
#ifndef TESTS_FAKE_DAEMON_H
#define TESTS_FAKE_DAEMON_H

#include <sys/types.h>

enum fake_how {
	FAKE_SEND, /* the bytes of `data` as they are, then close */
	FAKE_JSON, /* a well-formed answer with `status` and body `data`, kept alive */
	FAKE_SILENT, /* reads on, says nothing */
	FAKE_CLOSE, /* closes without a word */
	FAKE_DRIP, /* `data` byte by byte (each its own write), then close */
	/* headers of a chunked 200, `data` as one chunk (may be empty), then open for ever */
	FAKE_STREAM,
};
struct fake_rule {
	const char *match;
	enum fake_how how;
	int status;
	const char *data;
	int times; /* answers at most so often, then the next rule is tried; 0 = always */
};
struct fake_daemon {
	pid_t pid;
	char dir[64], socket[96];
};
/* rules end with match == NULL. Api-Version of all FAKE_JSON answers: api (NULL = none). */
void fake_daemon_start(struct fake_daemon *d, const struct fake_rule *rules, const char *api);
void fake_daemon_stop(struct fake_daemon *d); /* kills by its pid, removes the directory */
void fake_daemon_kill(struct fake_daemon *d); /* kills it; the socket stays, and refuses */
/* same socket, after kill */
void fake_daemon_again(struct fake_daemon *d, const struct fake_rule *rules, const char *api);
/* Occurrences of text in the record of requests. */
int fake_daemon_count(const struct fake_daemon *d, const char *text);
/* The record itself; the caller frees. */
char *fake_daemon_requests(const struct fake_daemon *d);

#endif
