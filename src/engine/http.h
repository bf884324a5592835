/* http.h - requests to a daemon over a unix socket, on the loop. */
#ifndef ENGINE_HTTP_H
#define ENGINE_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "engine/loop.h"

enum http_error { /* why there is no HTTP status */
	HTTP_OK,
	HTTP_NO_SOCKET,
	HTTP_REFUSED,
	HTTP_NO_PERMISSION,
	HTTP_TIMEOUT,
	HTTP_NOT_HTTP,
	HTTP_CUT,
	HTTP_TOO_LONG,
	HTTP_CANCELLED
};
struct http_answer {
	enum http_error error;
	int status; /* 0 without one */
	/* at most 8 MiB; valid during the callback. Of a stream: what came behind its last whole
	 * line */
	struct buf body;
	char api_version[16]; /* header Api-Version */
};
struct http_call;
typedef void (*http_fn)(void *ctx, const struct http_answer *a);

struct http_request {
	/* path begins with "/"; parts of others already percent-encoded */
	const char *socket, *method, *path;
	const char *content_type; /* NULL = application/json */
	const void *body;
	size_t nbody; /* copied */
	const char *header; /* one more header line, or NULL */
	/* 0 = none: the first upload_size bytes of this file are the body; stays the caller's */
	int upload_fd;
	int64_t upload_size;
	int timeout_ms; /* 0 = none (streams) */
	/* a stream calls line() for each whole line (<= 64 KiB) as it comes; fn at its end */
	void (*line)(void *ctx, const char *line, size_t n);
	/* called once when the headers of a 2xx stream arrived */
	void (*open)(void *ctx);
	http_fn fn;
	void *ctx;
};
struct http_call *http_start(struct loop *l, const struct http_request *r);
void http_cancel(struct http_call *c); /* fn is not called */
int64_t http_uploaded(const struct http_call *c); /* bytes of the file handed over so far */
/* percent-encoding of one path or query part */
void http_encode(const char *s, struct buf *out);

#endif
