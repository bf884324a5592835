/* fake_daemon.c - included by the tests that need it (one program = one object). */
#include "fake_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FAKE_CONNS = 64, FAKE_BUF = 1 << 18 };

struct fake_conn {
	int fd;
	size_t n;
	char *buf;
	bool deaf;
	char stream[256]; /* the request whose stream it is, "" = none */
};

static bool fake_fits(const char *pat, const char *s)
{
	for (; *pat; pat++) {
		if (*pat == '*') {
			for (;; s++) {
				if (fake_fits(pat + 1, s))
					return true;
				if (!*s || *s == '/' || *s == '?')
					return false;
			}
		}
		if (*pat != *s++)
			return false;
	}
	return true;
}

static void fake_put(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
		if (k <= 0)
			return;
		p += k;
		n -= (size_t)k;
	}
}

static void fake_say(struct fake_conn *c, const struct fake_rule *r, const char *api)
{
	char head[512];
	const char *data = r->data ? r->data : "";
	size_t len = strlen(data);
	switch (r->how) {
	case FAKE_SILENT:
		return;
	case FAKE_JSON: {
		int n = snprintf(head, sizeof(head),
			"HTTP/1.1 %d X\r\n%s%s%sContent-Type: application/json\r\nContent-Length: "
			"%zu\r\n\r\n",
			r->status, api ? "Api-Version: " : "", api ? api : "", api ? "\r\n" : "",
			len);
		fake_put(c->fd, head, (size_t)n);
		fake_put(c->fd, data, len);
		return;
	}
	case FAKE_STREAM: {
		int n = snprintf(head, sizeof(head),
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
		if (len)
			n += snprintf(head + n, sizeof(head) - (size_t)n, "%zx\r\n", len);
		fake_put(c->fd, head, (size_t)n);
		fake_put(c->fd, data, len);
		if (len)
			fake_put(c->fd, "\r\n", 2);
		return;
	}
	case FAKE_DRIP:
		for (size_t i = 0; i < len; i++) {
			fake_put(c->fd, data + i, 1);
			poll(NULL, 0, i % 8 == 7);
		}
		break;
	case FAKE_SEND:
		fake_put(c->fd, data, len);
		break;
	case FAKE_CLOSE:
		break;
	}
	shutdown(c->fd, SHUT_WR);
	c->deaf = true;
}

/* One whole request at the front of c->buf? Answers it and drops it. */
static bool fake_request(struct fake_conn *c, struct fake_rule *rules, const char *api, int record)
{
	c->buf[c->n] = 0;
	char *end = strstr(c->buf, "\r\n\r\n");
	if (!end)
		return false;
	char *cl = strcasestr(c->buf, "\r\nContent-Length:");
	size_t body = cl && cl < end ? strtoul(cl + 17, NULL, 10) : 0;
	size_t total = (size_t)(end + 4 - c->buf) + body;
	if (c->n < total)
		return false;
	char line[4096] = "", *sp = strstr(c->buf, " HTTP/1.");
	if (sp)
		snprintf(line, sizeof(line), "%.*s", (int)(sp - c->buf), c->buf);
	char *login = strcasestr(c->buf, "\r\nX-Registry-Auth:");
	if (login && login < end)
		dprintf(record, "%s auth=%.*s\n", line, (int)strcspn(login + 19, "\r"), login + 19);
	else
		dprintf(record, "%s %.*s\n", line, (int)body, end + 4);
	char *path = strchr(line, ' ');
	if (path && !strncmp(path, " /v1.", 5)) {
		char *rest = strchr(path + 2, '/');
		if (rest)
			memmove(path + 1, rest, strlen(rest) + 1);
	}
	struct fake_rule *r = rules;
	while (r->match && (r->times < 0 || !fake_fits(r->match, line)))
		r++;
	static const struct fake_rule none = { "", FAKE_JSON, 501, "{\"message\":\"no rule\"}", 0 };
	fake_say(c, r->match ? r : &none, api);
	if (r->match && r->how == FAKE_STREAM)
		snprintf(c->stream, sizeof(c->stream), "%.250s", line);
	if (r->match && r->times > 0 && --r->times == 0)
		r->times = -1;
	memmove(c->buf, c->buf + total, c->n - total);
	c->n -= total;
	return true;
}

static void fake_serve(int listener, const struct fake_rule *given, const char *api, int record)
{
	static struct fake_rule rules[64];
	static struct fake_conn conn[FAKE_CONNS];
	size_t nr = 0, nc = 0;
	while (given[nr].match && nr < 63) {
		rules[nr] = given[nr];
		nr++;
	}
	for (;;) {
		struct pollfd p[FAKE_CONNS + 1];
		p[0] = (struct pollfd){ .fd = nc < FAKE_CONNS ? listener : -1, .events = POLLIN };
		for (size_t i = 0; i < nc; i++)
			p[i + 1] = (struct pollfd){ .fd = conn[i].fd, .events = POLLIN };
		if (poll(p, nc + 1, -1) < 0)
			continue;
		size_t had = nc;
		for (size_t i = had; i-- > 0;) {
			if (!p[i + 1].revents)
				continue;
			ssize_t k = recv(
				conn[i].fd, conn[i].buf + conn[i].n, FAKE_BUF - 1 - conn[i].n, 0);
			if (k <= 0) {
				if (conn[i].stream[0])
					dprintf(record, "CLOSED %s\n", conn[i].stream);
				close(conn[i].fd);
				free(conn[i].buf);
				conn[i] = conn[--nc];
				continue;
			}
			conn[i].n += (size_t)k;
			while (!conn[i].deaf && fake_request(&conn[i], rules, api, record))
				;
		}
		if (p[0].revents) {
			int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
			if (fd >= 0)
				conn[nc++] =
					(struct fake_conn){ .fd = fd, .buf = malloc(FAKE_BUF) };
		}
	}
}

void fake_daemon_again(struct fake_daemon *d, const struct fake_rule *rules, const char *api)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char record[96];
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", d->socket);
	snprintf(record, sizeof(record), "%s/requests", d->dir);
	unlink(d->socket);
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s < 0 || bind(s, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(s, 64) < 0)
		abort();
	int rec = open(record, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	pid_t parent = getpid();
	d->pid = fork();
	if (d->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(0);
		fake_serve(s, rules, api, rec);
	}
	close(s);
	close(rec);
}

void fake_daemon_start(struct fake_daemon *d, const struct fake_rule *rules, const char *api)
{
	snprintf(d->dir, sizeof(d->dir), "/tmp/yolo-fake-XXXXXX");
	if (!mkdtemp(d->dir))
		abort();
	snprintf(d->socket, sizeof(d->socket), "%s/d.sock", d->dir);
	fake_daemon_again(d, rules, api);
}

void fake_daemon_kill(struct fake_daemon *d)
{
	int st;
	if (d->pid <= 0)
		return;
	kill(d->pid, SIGKILL);
	waitpid(d->pid, &st, 0);
	d->pid = -1;
}

void fake_daemon_stop(struct fake_daemon *d)
{
	char record[96];
	fake_daemon_kill(d);
	snprintf(record, sizeof(record), "%s/requests", d->dir);
	unlink(record);
	unlink(d->socket);
	rmdir(d->dir);
}

char *fake_daemon_requests(const struct fake_daemon *d)
{
	char record[96];
	snprintf(record, sizeof(record), "%s/requests", d->dir);
	int fd = open(record, O_RDONLY | O_CLOEXEC);
	char *text = calloc(1, 1 << 20);
	if (fd >= 0) {
		ssize_t k = read(fd, text, (1 << 20) - 1);
		if (k < 0)
			text[0] = 0;
		close(fd);
	}
	return text;
}

int fake_daemon_count(const struct fake_daemon *d, const char *what)
{
	char *text = fake_daemon_requests(d);
	int n = 0;
	for (char *p = text; (p = strstr(p, what)); p += strlen(what))
		n++;
	free(text);
	return n;
}
