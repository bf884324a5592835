/* image_auth.c - the login of a registry as `docker login` left it: in the configuration, or with a
 * helper program. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/child.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/vt.h"
#include "engine/image.h"

enum { CONFIG_MAX = 1 << 20, HELPER_MS = 10000, HELPER_CAP = 256 << 10 };

void image_auth_registry(const char *ref, char *out, size_t n)
{
	size_t first = strcspn(ref, "/");
	out[0] = 0;
	if (!ref[first])
		return;
	char *host = xstrndup(ref, first);
	if (strpbrk(host, ".:") || !strcmp(host, "localhost"))
		snprintf(out, n, "%s", host);
	free(host);
}

/* "https://host/v1/" -> "host" */
static void host_of(const char *address, char *out, size_t n)
{
	const char *p = strstr(address, "://");
	p = p ? p + 3 : address;
	snprintf(out, n, "%.*s", (int)strcspn(p, "/"), p);
}

/* The default registry has a short name besides the address it is known by: the end of its host's
 * name. */
static bool is_default(const char *registry, const char *dflt)
{
	char host[256];
	host_of(dflt, host, sizeof(host));
	size_t h = strlen(host), r = strlen(registry);
	return !r || !strcmp(host, registry) ||
		(h > r && !strcmp(host + h - r, registry) && host[h - r - 1] == '.');
}

static void base64(const char *in, size_t n, struct buf *out)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const unsigned char *p = (const unsigned char *)in;
	for (size_t i = 0; i < n; i += 3) {
		unsigned v = (unsigned)p[i] << 16 | (i + 1 < n ? (unsigned)p[i + 1] << 8 : 0) |
			(i + 2 < n ? p[i + 2] : 0);
		buf_char(out, digits[v >> 18]);
		buf_char(out, digits[v >> 12 & 63]);
		buf_char(out, i + 1 < n ? digits[v >> 6 & 63] : '=');
		buf_char(out, i + 2 < n ? digits[v & 63] : '=');
	}
}

/* The ordinary alphabet; -1 = damaged. */
static int unbase64(const char *in, struct buf *out)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned v = 0, bits = 0;
	for (; *in && *in != '='; in++) {
		const char *at = strchr(digits, *in);
		if (!at)
			return -1;
		v = v << 6 | (unsigned)(at - digits);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			buf_char(out, (char)(v >> bits & 255));
			v &= (1U << bits) - 1;
		}
	}
	return 0;
}

static void wipe(struct buf *b)
{
	explicit_bzero(b->p, b->len);
	buf_release(b);
}

static char *header(const char *user, const char *secret, const char *token, const char *address)
{
	struct json *o = json_object();
	struct buf plain = BUF_INIT, b = BUF_INIT;
	if (token && *token) {
		json_put_str(o, "identitytoken", token);
	} else {
		json_put_str(o, "username", user);
		json_put_str(o, "password", secret);
	}
	json_put_str(o, "serveraddress", address);
	json_print(o, &plain);
	json_free(o);
	buf_str(&b, "X-Registry-Auth: ");
	base64(plain.p, plain.len, &b);
	wipe(&plain);
	return buf_take(&b);
}

/* One entry of "auths"; NULL = nothing in it. */
static char *from_entry(const struct json *entry, const char *address)
{
	const char *token = json_str(entry, "identitytoken", "");
	struct buf plain = BUF_INIT;
	char *out = NULL, *colon;
	if (*token)
		return header("", "", token, address);
	if (unbase64(json_str(entry, "auth", ""), &plain) == 0 && (colon = strchr(plain.p, ':'))) {
		*colon = 0;
		out = header(plain.p, colon + 1, NULL, address);
	}
	wipe(&plain);
	return out;
}

static char *from_auths(const struct json *auths, const char *address)
{
	char want[256], have[256];
	const struct json *exact = json_get(auths, address);
	char *out = exact ? from_entry(exact, address) : NULL;
	host_of(address, want, sizeof(want));
	for (const struct json *c = json_first(auths); c && !out; c = json_next(c)) {
		host_of(json_key(c), have, sizeof(have));
		if (!strcmp(want, have))
			out = from_entry(c, address);
	}
	return out;
}

/* Becomes part of a program's name. */
static bool helper_ok(const char *name)
{
	if (!*name || strlen(name) > 64)
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("._-", *name))
			return false;
	return true;
}

static char *from_answer(
	const struct child_result *r, const char *program, const char *address, char *why, size_t n)
{
	struct err e = ERR_INIT;
	char said[100], *out = NULL;
	struct json *j = r->code == 0 ? json_parse(r->out.p, r->out.len, &e) : NULL;
	const char *user = json_str(j, "Username", ""), *secret = json_str(j, "Secret", "");
	if (j && *secret) {
		bool token = !strcmp(user, "<token>");
		out = header(user, secret, token ? secret : NULL, address);
	} else if (!j && !strcasestr(r->out.p, "credentials not found")) {
		vt_clean_str(r->out.len ? r->out.p : r->err.p, said, sizeof(said));
		snprintf(why, n, "%s failed (exit %d): %s", program, r->code, said);
	}
	json_free(j);
	return out;
}

static char *from_helper(const char *name, const char *address, char *why, size_t n)
{
	char program[96], *out = NULL;
	struct child_result r;
	struct err e = ERR_INIT;
	if (!helper_ok(name)) {
		snprintf(why, n,
			"the name of the credential helper in Docker's configuration is not right");
		return NULL;
	}
	snprintf(program, sizeof(program), "docker-credential-%s", name);
	const char *const argv[] = { program, "get", NULL };
	struct child_spec s = CHILD_SPEC_INIT;
	s.argv = argv;
	s.cwd = "/";
	if (child_run(&s, address, strlen(address), HELPER_CAP, HELPER_MS, &r, &e) < 0)
		snprintf(why, n, "%s: %.200s", program, e.msg);
	else
		out = from_answer(&r, program, address, why, n);
	explicit_bzero(r.out.p, r.out.len);
	child_result_release(&r);
	return out;
}

char *image_auth(const char *config_dir, const char *registry, const char *dflt_registry, char *why,
	size_t n)
{
	const char *address = is_default(registry, dflt_registry) ? dflt_registry : registry;
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	char *path = config_dir ? fs_join(config_dir, "config.json") : NULL, *out = NULL;
	struct json *config = NULL;
	why[0] = 0;
	if (path && fs_read(path, CONFIG_MAX, &b, &e) == 0)
		config = json_parse(b.p, b.len, &e);
	const char *helper = json_str(json_get(config, "credHelpers"), address, NULL);
	if (!helper)
		helper = json_str(config, "credsStore", "");
	if (*address && *helper)
		out = from_helper(helper, address, why, n);
	if (*address && !out)
		out = from_auths(json_get(config, "auths"), address);
	json_free(config);
	wipe(&b);
	free(path);
	return out;
}
