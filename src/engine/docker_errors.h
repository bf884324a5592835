/* docker_errors.h - what a Docker daemon said or did not say, as sentences for the user. */
#ifndef ENGINE_DOCKER_ERRORS_H
#define ENGINE_DOCKER_ERRORS_H

#include "base/err.h"
#include "engine/docker_endpoint.h"
#include "engine/http.h"

enum { DOCKER_TEXT = 300 }; /* bytes shown of what a daemon says */

/* The daemon's own words of an error answer, made safe and cut: "no such image: x". */
void docker_message(const struct http_answer *a, char *out, size_t n);
/* An answer without a status, or of something that is no Docker: e says what, next what the user
 * can do. Returns how much it says (more beats less), for choosing among endpoints. */
int docker_error(const struct docker_endpoint *p, const struct http_answer *a, struct err *e,
	char *next, size_t n);

#endif
