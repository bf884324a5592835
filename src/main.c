/* main.c - the table of verbs; the only file that sees both src/ and ui/. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "model/proto.h"

static int verb_version(int argc, char **argv)
{
	printf("yolodeck %s\n", YOLODECK_VERSION);
	return CLI_DONE;
}

static const struct cli_verb verbs[] = {
	{ "version", "", "print the version", verb_version, false },
};

static int usage(void)
{
	fprintf(stderr, "usage: yolodeck VERB\n");
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (!verbs[i].hidden)
			fprintf(stderr, "  %s %s  %s\n", verbs[i].name, verbs[i].args, verbs[i].help);
	return CLI_USAGE;
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < ARRAY_LEN(verbs); i++)
		if (!strcmp(verbs[i].name, argv[1]))
			return verbs[i].run(argc - 1, argv + 1);
	return usage();
}
