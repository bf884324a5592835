/* client.h - a connection to the conductor: connect (starting one when none runs), ask, watch. Used
 * by CLI and deck; knows nothing of engines. */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include <stdbool.h>

#include "base/err.h"
#include "base/json.h"
#include "model/proto.h"
#include "model/store.h"

struct client;

enum { CLIENT_AUTOSTART = 1 };
/* Connects to the conductor of the store, with CLIENT_AUTOSTART starts `/proc/self/exe conductor
 * <common dir>` first when nothing listens. An older conductor is asked to shut down and replaced;
 * a newer one gives code "newer_conductor" with both versions. Code "no_conductor" without
 * autostart. Waits at most 10 s. */
struct client *client_connect(const struct store *s, int flags, struct err *e);
void client_free(struct client *c);
/* "the last conductor is ending: saving 7/a": this one answers when that is over, and the first
 * client_call waits for it, however long. NULL = it answers now. */
const char *client_waiting(const struct client *c);

/* The same without blocking: a step at a time, whenever client_dial_fd (-1 = nothing) can be read
 * or CLIENT_DIAL_MS have passed. The store outlives it. */
struct client_dial;
enum { CLIENT_DIAL_MS = 20 };
struct client_dial *client_dial_new(const struct store *s, int flags);
void client_dial_free(struct client_dial *d);
int client_dial_fd(const struct client_dial *d);
/* 1 = *out is the connection, 0 = not yet, -1 = never. */
int client_dial_step(struct client_dial *d, struct client **out, struct err *e);
/* to poll for reading; also writing while client_wants_write */
int client_fd(const struct client *c);
bool client_wants_write(const struct client *c);

/* Sends a request (takes it; "id" is added) and waits for its answer up to timeout_ms; events that
 * come meanwhile are kept for client_events. Returns the "ok" object (the caller frees) or NULL
 * with the code and sentence of "err". */
struct json *client_call(
	struct client *c, struct json *take_request, int timeout_ms, struct err *e);
/* Without waiting: fn runs from client_pump. ok is NULL on refusal, then e says why. */
typedef void (*client_fn)(void *ctx, const struct json *ok, const struct err *e);
void client_send(struct client *c, struct json *take_request, client_fn fn, void *ctx);
/* Reads what is there; events go to on_event, answers to their fn. -1 = the conductor is gone
 * (reconnect with client_connect). */
int client_pump(struct client *c, struct err *e);
void client_on_event(struct client *c, void (*fn)(void *ctx, const struct json *ev), void *ctx);
struct json *client_request(const char *op); /* {"op":op}, and what op tells of its client */

/* All rows of the watched races, kept up to date by feeding it the events. */
struct rows {
	struct race_info *race;
	size_t nrace; /* ordered by number */
	struct row **row;
	size_t nrow; /* ordered by race, number */
	char *engine_away, *engine_next;
	int64_t away_since_ns; /* NULL = all is well */
	char *engine_name, *engine_ready; /* "docker", "docker 20.10.24"; NULL = not known */
	char *message, *message_level; /* newest message of the conductor, NULL = none */
	uint64_t changes; /* +1 with each event applied */
};
void rows_init(struct rows *r);
void rows_release(struct rows *r);
/* An event, or the "ok" of list and watch (races[], rows[], engine{}). A row older than the one
 * known is dropped. A struct row stays where it is until its variant is gone. */
void rows_apply(struct rows *r, const struct json *ev);
const struct race_info *rows_race(const struct rows *r, int number);

#endif
