/* loop_curl.h - what http.c needs of loop.c. Handles travel as void *, so that only the two .c
 * files include curl. */
#ifndef ENGINE_LOOP_CURL_H
#define ENGINE_LOOP_CURL_H

#include "engine/loop.h"

/* First member of what http.c keeps for one easy handle (set as CURLOPT_PRIVATE). */
struct loop_transfer {
	/* from loop_run, outside curl; may add and remove */
	void (*done)(struct loop_transfer *t, int curl_code);
};

/* Never call these two inside a callback of curl. 0, or -1 when curl refuses. */
int loop_add(struct loop *l, void *easy);
void loop_remove(struct loop *l, void *easy);

#endif
