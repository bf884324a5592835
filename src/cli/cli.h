/* cli.h - the verbs. main.c has the table; each file of src/cli holds a group of them. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

enum cli_exit { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_NO_CONDUCTOR = 3, CLI_BUG = 4 };

struct cli_verb {
	const char *name, *args, *help;	/* "kill", "V... | --race R | --all", "stop variants; files and logs stay" */
	int (*run)(int argc, char **argv);	/* argv[0] = the verb */
	bool hidden;
};

#endif
