/* act_text.c - moving in a text, with the keys of less. */
#include "ui/action.h"

enum { SIDE_STEP = 16 };

static struct pane_log *shown_log(struct deck *d)
{
	struct item *it =
		deck_screen(d) == SCREEN_ZOOM && d->tab == TAB_LOG ? state_selected(d) : NULL;

	return it ? &it->log : NULL;
}

static void scroll(struct deck *d, long by)
{
	struct pane_log *p = shown_log(d);

	d->dirty = true;
	if (p) {
		pane_log_move(p, by);
		return;
	}
	d->scroll += by;
	if (d->scroll > d->scroll_max)
		d->scroll = d->scroll_max;
	if (d->scroll < 0)
		d->scroll = 0;
}

static long page(const struct deck *d)
{
	return d->canvas.h > 4 ? d->canvas.h - 4 : 1;
}

void act_line_down(struct deck *d, int32_t key)
{
	scroll(d, 1);
}

void act_line_up(struct deck *d, int32_t key)
{
	scroll(d, -1);
}

void act_page_down(struct deck *d, int32_t key)
{
	scroll(d, page(d));
}

void act_page_up(struct deck *d, int32_t key)
{
	scroll(d, -page(d));
}

void act_half_down(struct deck *d, int32_t key)
{
	scroll(d, page(d) / 2 + 1);
}

void act_half_up(struct deck *d, int32_t key)
{
	scroll(d, -(page(d) / 2 + 1));
}

void act_top(struct deck *d, int32_t key)
{
	struct pane_log *p = shown_log(d);

	if (p)
		pane_log_home(p);
	d->scroll = 0;
	d->dirty = true;
}

void act_bottom(struct deck *d, int32_t key)
{
	struct pane_log *p = shown_log(d);

	if (p)
		pane_log_follow(p, true);
	else if (d->scroll_max > 0)
		d->scroll = d->scroll_max;
	d->dirty = true;
}

static void sideways(struct deck *d, long by)
{
	struct pane_log *p = shown_log(d);
	long to = p ? (long)p->sideways + by : 0;

	if (p)
		p->sideways = to > 0 ? (size_t)to : 0;
	d->dirty = true;
}

void act_left(struct deck *d, int32_t key)
{
	sideways(d, -SIDE_STEP);
}

void act_right(struct deck *d, int32_t key)
{
	sideways(d, SIDE_STEP);
}

void act_follow(struct deck *d, int32_t key)
{
	struct pane_log *p = shown_log(d);

	if (p)
		pane_log_follow(p, !p->follow);
	d->dirty = true;
}

void act_times(struct deck *d, int32_t key)
{
	d->times = !d->times;
	d->dirty = true;
}

void act_wrap(struct deck *d, int32_t key)
{
	d->wrap = !d->wrap;
	d->dirty = true;
}

void act_tab(struct deck *d, int32_t key)
{
	int by = key == KEY_BACKTAB ? TAB_COUNT - 1 : 1;

	d->tab = (enum zoom_tab)(((int)d->tab + by) % TAB_COUNT);
	d->scroll = 0;
	d->show_number = 0;
	d->dirty = true;
}
