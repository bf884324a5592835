/* http.c - requests over a unix socket with libcurl, one easy handle each, connections kept alive
 * by the loop's multi handle.
 *
 * curl's callbacks only collect bytes and arm a timer of 0 ms; lines, `open` and the answer are
 * delivered from the loop. A call that is cancelled from one of its own callbacks is freed when
 * that callback has returned. */
#include "engine/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/mem.h"
#include "engine/loop_curl.h"

enum { MAX_BODY = 8 << 20, MAX_LINE = 64 << 10, CONNECT_MS = 2000, UPLOAD_PIECE = 512 << 10 };

struct http_call {
	struct loop_transfer transfer; /* first: the loop knows only this */
	struct loop *loop;
	CURL *easy;
	struct curl_slist *headers;
	void (*line)(void *ctx, const char *line, size_t n);
	void (*open)(void *ctx);
	http_fn fn;
	void *ctx;
	struct http_answer a;
	struct buf in; /* stream: bytes not yet delivered as lines */
	size_t scan; /* of them, known to hold no newline */
	struct loop_timer *soon;
	int status; /* of the newest header block */
	bool headers_done, opened, too_long;
	int fd; /* uploaded from, 0 = none */
	int64_t sent, size;
	bool busy, dead; /* inside a callback; freed as soon as it returns */
	bool added;
};

static bool is_2xx(const struct http_call *c)
{
	return c->status >= 200 && c->status < 300;
}

static void call_free(struct http_call *c)
{
	loop_cancel(c->soon);
	if (c->added)
		loop_remove(c->loop, c->easy);
	curl_easy_cleanup(c->easy);
	curl_slist_free_all(c->headers);
	buf_release(&c->a.body);
	buf_release(&c->in);
	free(c);
}

/* Delivers what has arrived. Returns false when the call was cancelled meanwhile (and freed). */
static bool deliver(struct http_call *c)
{
	c->busy = true;
	if (c->headers_done && is_2xx(c) && c->open && !c->opened) {
		c->opened = true;
		c->open(c->ctx);
	}
	size_t done = 0;
	while (c->line && !c->dead) {
		char *nl = memchr(c->in.p + c->scan, '\n', c->in.len - c->scan);
		if (!nl)
			break;
		size_t n = (size_t)(nl - c->in.p) - done;
		char *line = c->in.p + done;
		done += n + 1;
		c->scan = done;
		if (n && line[n - 1] == '\r')
			n--;
		line[n] = 0;
		c->line(c->ctx, line, n);
	}
	c->busy = false;
	if (c->dead) {
		call_free(c);
		return false;
	}
	buf_drop(&c->in, done);
	c->scan = c->in.len;
	return true;
}

static void on_soon(void *ctx)
{
	struct http_call *c = ctx;
	c->soon = NULL;
	deliver(c);
}

static void arm(struct http_call *c)
{
	if (!c->soon)
		c->soon = loop_after(c->loop, 0, on_soon, c);
}

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
	struct http_call *c = ctx;
	size_t n = size * count;
	if (!c->line || !is_2xx(c)) {
		if (c->a.body.len + n > MAX_BODY) {
			c->too_long = true;
			return 0;
		}
		buf_add(&c->a.body, data, n);
		return n;
	}
	/* the longest piece without a newline, counting what is left of before */
	size_t run = c->in.len - c->scan;
	for (size_t i = 0; i < n;) {
		char *nl = memchr(data + i, '\n', n - i);
		size_t piece = nl ? (size_t)(nl - data) - i : n - i;
		if (run + piece > MAX_LINE) {
			c->too_long = true;
			return 0;
		}
		i += piece + 1;
		run = nl ? 0 : run + piece;
	}
	buf_add(&c->in, data, n);
	arm(c);
	return n;
}

static size_t on_header(char *data, size_t size, size_t count, void *ctx)
{
	static const char api[] = "Api-Version:";
	struct http_call *c = ctx;
	size_t n = size * count;
	if (n > 5 && !memcmp(data, "HTTP/", 5)) { /* another block may follow a 100 */
		c->headers_done = false;
		c->status = 0;
	} else if (n > strlen(api) && !strncasecmp(data, api, strlen(api))) {
		size_t i = strlen(api), k = 0;
		while (i < n && data[i] == ' ')
			i++;
		while (i < n && data[i] > ' ' && k + 1 < sizeof(c->a.api_version))
			c->a.api_version[k++] = data[i++];
		c->a.api_version[k] = 0;
	} else if (n <= 2) {
		long status = 0;
		curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
		c->status = (int)status;
		c->headers_done = status >= 200;
		if (c->open && is_2xx(c))
			arm(c);
	}
	return n;
}

static enum http_error error_of(const struct http_call *c, int code)
{
	long os = 0;
	if (c->too_long)
		return HTTP_TOO_LONG;
	curl_easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &os);
	switch (code) {
	case CURLE_OK:
		return HTTP_OK;
	case CURLE_COULDNT_CONNECT:
		return os == EACCES || os == EPERM      ? HTTP_NO_PERMISSION
			: os == ENOENT || os == ENOTDIR ? HTTP_NO_SOCKET
							: HTTP_REFUSED;
	case CURLE_COULDNT_RESOLVE_HOST: /* the path does not fit into sockaddr_un */
		return HTTP_NO_SOCKET;
	case CURLE_OPERATION_TIMEDOUT:
		return HTTP_TIMEOUT;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
		return HTTP_NOT_HTTP;
	default:
		return HTTP_CUT;
	}
}

static void on_done(struct loop_transfer *t, int code)
{
	struct http_call *c = (struct http_call *)t;
	long status = 0;
	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	c->a.error = error_of(c, code);
	c->a.status = (int)status;
	loop_remove(c->loop, c->easy);
	c->added = false;
	if (!deliver(c))
		return;
	if (c->line && is_2xx(c))
		buf_add(&c->a.body, c->in.p, c->in.len);
	c->busy = true;
	c->fn(c->ctx, &c->a);
	call_free(c);
}

static size_t on_upload(char *to, size_t size, size_t count, void *ctx)
{
	struct http_call *c = ctx;
	int64_t left = c->size - c->sent;
	size_t n = size * count;
	if ((int64_t)n > left)
		n = (size_t)left;
	ssize_t got = pread(c->fd, to, n, (off_t)c->sent);
	if (got < 0 || (got == 0 && n > 0)) /* the file was truncated meanwhile */
		return CURL_READFUNC_ABORT;
	c->sent += got;
	return (size_t)got;
}

/* A kept connection that turns out to be dead is replaced, and the body is sent again from its
 * start. */
static int on_rewind(void *ctx, curl_off_t offset, int origin)
{
	struct http_call *c = ctx;
	if (origin != SEEK_SET || offset < 0 || offset > c->size)
		return CURL_SEEKFUNC_CANTSEEK;
	c->sent = offset;
	return CURL_SEEKFUNC_OK;
}

static void set_upload(struct http_call *c, const struct http_request *r)
{
	c->fd = r->upload_fd;
	c->size = r->upload_size;
	curl_easy_setopt(c->easy, CURLOPT_POST, 1L);
	curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->size);
	curl_easy_setopt(c->easy, CURLOPT_READFUNCTION, on_upload);
	curl_easy_setopt(c->easy, CURLOPT_READDATA, c);
	curl_easy_setopt(c->easy, CURLOPT_SEEKFUNCTION, on_rewind);
	curl_easy_setopt(c->easy, CURLOPT_SEEKDATA, c);
	curl_easy_setopt(c->easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_PIECE);
}

int64_t http_uploaded(const struct http_call *c)
{
	return c->sent;
}

static void set_method(struct http_call *c, const struct http_request *r)
{
	if (!strcmp(r->method, "POST") || r->nbody) {
		if (r->upload_fd > 0) {
			set_upload(c, r);
		} else {
			curl_easy_setopt(
				c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->nbody);
			curl_easy_setopt(c->easy, CURLOPT_COPYPOSTFIELDS, r->nbody ? r->body : "");
		}
		char *type = xasprintf(
			"Content-Type: %s", r->content_type ? r->content_type : "application/json");
		c->headers = curl_slist_append(NULL, type);
		c->headers = curl_slist_append(c->headers, "Expect:");
		if (r->header)
			c->headers = curl_slist_append(c->headers, r->header);
		free(type);
		curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->headers);
	}
	if (!strcmp(r->method, "HEAD"))
		curl_easy_setopt(c->easy, CURLOPT_NOBODY, 1L);
	else if (strcmp(r->method, "GET") && strcmp(r->method, "POST"))
		curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, r->method);
}

struct http_call *http_start(struct loop *l, const struct http_request *r)
{
	struct http_call *c = xcalloc(1, sizeof(*c));
	c->transfer.done = on_done;
	c->loop = l;
	c->line = r->line;
	c->open = r->open;
	c->fn = r->fn;
	c->ctx = r->ctx;
	buf_init(&c->a.body);
	buf_init(&c->in);
	c->easy = curl_easy_init();
	if (!c->easy)
		bug("curl_easy_init failed");
	char *url = xasprintf("http://docker%s", r->path);
	curl_easy_setopt(c->easy, CURLOPT_URL, url);
	free(url);
	curl_easy_setopt(c->easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(c->easy, CURLOPT_UNIX_SOCKET_PATH, r->socket);
	curl_easy_setopt(c->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c->easy, CURLOPT_PROXY,
		""); /* http_proxy of the environment would apply to the socket too */
	curl_easy_setopt(c->easy, CURLOPT_USERAGENT, "yolodeck");
	curl_easy_setopt(c->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	if (r->timeout_ms > 0) /* LOW_SPEED_* would wake the loop every second */
		curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, (long)r->timeout_ms);
	curl_easy_setopt(c->easy, CURLOPT_PRIVATE, (char *)&c->transfer);
	curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c);
	curl_easy_setopt(c->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c->easy, CURLOPT_HEADERDATA, c);
	set_method(c, r);
	if (loop_add(l, c->easy) < 0)
		bug("http_start inside a callback of curl");
	c->added = true;
	return c;
}

void http_cancel(struct http_call *c)
{
	if (!c)
		return;
	c->dead = true;
	if (!c->busy)
		call_free(c);
}

void http_encode(const char *s, struct buf *out)
{
	static const char hex[] = "0123456789ABCDEF";
	for (; *s; s++) {
		unsigned char ch = (unsigned char)*s;
		if ((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
			(ch >= '0' && ch <= '9') || strchr("-._~", ch)) {
			buf_char(out, (char)ch);
			continue;
		}
		buf_char(out, '%');
		buf_char(out, hex[ch >> 4]);
		buf_char(out, hex[ch & 15]);
	}
}
