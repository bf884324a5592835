/* app.h - the deck. */
#ifndef UI_APP_H
#define UI_APP_H

/* Opens the deck of the repository whose common dir is given, on race `race` (0 = the newest). top:
 * the work tree it is opened in, NULL in a bare repository. Returns the exit code; the terminal is
 * as it was. */
int app_main(const char *common_dir, const char *top, int race);

#endif
