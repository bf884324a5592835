/* idle.c - when the conductor ends by itself. */
#include "conductor/idle.h"

#include <stdlib.h>

#include "base/diag.h"
#include "conductor/board.h"

static bool idle(const struct conductor *c)
{
	return !c->nsession && !c->running_ops && !pool_pending(loop_pool(c->loop)) &&
		!board_live(c);
}

static void over(void *ctx)
{
	struct conductor *c = ctx;

	c->idle_timer = NULL;
	if (!idle(c))
		return;
	diag(DIAG_INFO, "nothing is live and nobody is connected: the conductor ends");
	loop_stop(c->loop, 0);
}

void idle_check(struct conductor *c)
{
	if (c->closing)
		return;
	if (!idle(c)) {
		if (c->idle_timer)
			loop_cancel(c->idle_timer);
		c->idle_timer = NULL;
	} else if (!c->idle_timer) {
		c->idle_timer = loop_after(c->loop, c->idle_ms, over, c);
	}
}
