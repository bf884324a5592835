/* spec_flag.h - flags of `run` over what the race file says: same checks, messages that begin with
 * the flag. */
#ifndef MODEL_SPEC_FLAG_H
#define MODEL_SPEC_FLAG_H

#include "model/spec.h"

/* One flag without its dashes ("memory", "4g"): name image engine prompt matrix env mount setup
 * check cpus memory pids timeout log-limit parallel network base n. A value replaces the file's;
 * env and mount add (the same variable is replaced), a matrix key replaces that key. An unknown
 * flag is a bug. */
int spec_flag(struct spec *s, const char *flag, const char *value, struct err *e);
/* The command after "--": replaces the race's command and argv. Words that JSON cannot hold (not
 * UTF-8) are refused. */
int spec_command(struct spec *s, const char *const *argv, struct err *e);

#endif
