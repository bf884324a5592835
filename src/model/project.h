/* project.h - what kind of project stands at the top of a repository, and what a race of it needs.
 * Guesses that a person can change. */
#ifndef MODEL_PROJECT_H
#define MODEL_PROJECT_H

#include "base/buf.h"

struct project {
	char *image; /* never NULL after project_look */
	/* steps that all variants share, for /bin/sh -c in the repository; NULL = none */
	char *setup;
	char *check; /* NULL = no idea */
	struct strv caches; /* "npm=/home/yolo/.npm": directories that all variants may share */
	struct strv env; /* "K=V" that makes the tools use them */
	/* "Cargo.toml: a Rust project, image rust:1": one sentence a line, in the order of the
	 * deductions */
	struct strv found;
};
/* Reads a few well-known files of the directory (1 MiB each at most); what cannot be read is as if
 * it were not there. What is taken from their text into a value are versions only (digits and
 * dots). */
void project_look(const char *top, struct project *p);
void project_release(struct project *p);

#endif
