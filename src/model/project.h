/* project.h - detects the kind of project in a repository, and what a race of it needs. Heuristics:
 * the user can edit the result. */
#ifndef MODEL_PROJECT_H
#define MODEL_PROJECT_H

#include "base/buf.h"

struct project {
	char *image; /* never NULL after project_detect */
	/* steps that all variants share, for /bin/sh -c in the repository; NULL = none */
	char *setup;
	char *check; /* NULL = not detected */
	struct strv caches; /* "npm=/home/yolo/.npm": directories that all variants may share */
	struct strv env; /* "K=V" that makes the tools use them */
	/* "Cargo.toml: a Rust project, image rust:1": one sentence a line, in the order of the
	 * deductions */
	struct strv found;
};
/* Reads a few well-known files of the directory (1 MiB each at most); what cannot be read
 * counts as absent. Only versions (digits and dots) are copied from their text into values. */
void project_detect(const char *top, struct project *p);
void project_release(struct project *p);

#endif
