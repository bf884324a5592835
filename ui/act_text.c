/* act_text.c - moving in a text, with the keys of less. */
#include "ui/action.h"
#include "ui/state.h"

/* NULL = another text is shown. */
static struct pane_log *shown_log(struct deck *d)
{
	struct item *it =
		deck_screen(d) == SCREEN_ZOOM && d->tab == TAB_LOG ? state_selected(d) : NULL;

	return it ? &it->log : NULL;
}

void act_scroll(struct deck *d, int32_t key, int arg)
{
	long page = d->canvas.h > 4 ? d->canvas.h - 4 : 1;
	const long lines[] = {
		0, [SCROLL_LINE] = 1, [SCROLL_HALF] = page / 2 + 1, [SCROLL_PAGE] = page
	};
	long by = arg < 0 ? -lines[-arg] : lines[arg];
	struct pane_log *p = shown_log(d);

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

void act_ends(struct deck *d, int32_t key, int arg)
{
	struct pane_log *p = shown_log(d);

	if (p && arg < 0)
		pane_log_home(p);
	else if (p)
		pane_log_follow(p, true);
	else
		d->scroll = arg < 0 || d->scroll_max < 0 ? 0 : d->scroll_max;
}

void act_sideways(struct deck *d, int32_t key, int arg)
{
	struct pane_log *p = shown_log(d);
	long to = p ? (long)p->sideways + arg : 0;

	if (p)
		p->sideways = to > 0 ? (size_t)to : 0;
}

void act_follow(struct deck *d, int32_t key, int arg)
{
	struct pane_log *p = shown_log(d);

	if (p)
		pane_log_follow(p, !p->follow);
}

void act_times(struct deck *d, int32_t key, int arg)
{
	d->times = !d->times;
}

void act_wrap(struct deck *d, int32_t key, int arg)
{
	d->wrap = !d->wrap;
}

void act_tab(struct deck *d, int32_t key, int arg)
{
	int by = key == KEY_BACKTAB ? TAB_COUNT - 1 : 1;

	d->tab = (enum zoom_tab)(((int)d->tab + by) % TAB_COUNT);
	d->scroll = 0;
	d->show_number = 0;
}
