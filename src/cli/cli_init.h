/* cli_init.h - what init and its --upgrade share. */
#ifndef CLI_CLI_INIT_H
#define CLI_CLI_INIT_H

#include "cli/cli.h"
#include "model/pipeline.h"

/* Puts the files at DIR/pipeline, which must not be there: all or none, by a directory beside it
 * and a rename. */
int cli_init_place(const char *dir, const struct pipeline_files *p, struct err *e);
/* init --upgrade of DIR/pipeline; an exit code. */
int cli_init_upgrade(const struct cli_args *a, const char *dir);

#endif
