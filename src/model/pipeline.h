/* pipeline.h - the Go program that launches a race through Dagger, as files: rendered from our
 * template, the user's between its markers, compared, built. The template is templates/pipeline/
 * (assets); what it may hold is said in CONSTRAINTS.md there and judged by templates/check/, a Go
 * program on go/parser. Blocking: call in a worker or from the command line. */
#ifndef MODEL_PIPELINE_H
#define MODEL_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* Where the user's pipeline lies below the top of the repository, and in it the package that is
 * ours alone. */
#define PIPELINE_DIR ".yolodeck/pipeline"
#define PIPELINE_PACKAGE "runtime"

/* What init found and writes into the custom sections; empty = the section does nothing. */
struct pipeline_values {
	/* shared steps, run once for all variants by /bin/sh -c in /work; NULL = none */
	const char *setup;
	struct strv caches; /* "name=/path/in/container": mounted in every variant */
};

struct pipeline_file {
	char *name; /* "main.go", "runtime/run.go" */
	struct buf text;
};
struct pipeline_files {
	struct pipeline_file *f; /* by name */
	size_t n;
};
void pipeline_files_release(struct pipeline_files *p);

/* A text as a Go string literal that parses back equal, whatever bytes it holds. */
void pipeline_quote(const char *s, size_t n, struct buf *out);
/* Our template with v in the sections (NULL = empty values). */
int pipeline_render(const struct pipeline_values *v, struct pipeline_files *out, struct err *e);
/* The files of a directory (regular ones: *.go, go.mod, go.sum, *.md, .rendered, and *.go in
 * PIPELINE_PACKAGE; at most 64, 1 MiB each; no links are followed, a link with such a name is
 * refused). Code "not_found" when there is no such directory. */
int pipeline_read(const char *dir, struct pipeline_files *out, struct err *e);
/* Writes them into a new directory (made, with those above it; code "exists"), 0644. */
int pipeline_write(const char *dir, const struct pipeline_files *p, struct err *e);
/* Removes these files, and the directories when nothing else is in them; -1 = something was. */
int pipeline_remove(const char *dir, const struct pipeline_files *p);
/* All outside the custom sections equals our template? Code "pipeline_old" (unchanged, of an older
 * template: init --upgrade) or "pipeline_changed" with file and line. */
int pipeline_compare(const struct pipeline_files *p, struct err *e);
/* Our template of today around the sections of mine. -1 as from pipeline_compare when mine was
 * changed; then out is what mine would have become, to show the difference. */
int pipeline_upgrade(const struct pipeline_files *mine, struct pipeline_files *out, struct err *e);
/* The name of these contents (without .rendered), 16 hex: of the cache and of the pinned copy. */
void pipeline_hash(const struct pipeline_files *p, char out[17]);

/* Compares, then runs the checker of CONSTRAINTS.md on the files: 0 = fine; -1 with "main.go:12:
 * rule: sentence" (all findings in *findings, one a line, when not NULL). cache: a directory of
 * ours (<state>/pipelines). The checker is built there once. */
int pipeline_check(
	const char *cache, const struct pipeline_files *p, struct buf *findings, struct err *e);
/* Builds the program once per content into cache/<hash>/: source in src/, program `pipeline`.
 * *binary: its path, the caller frees. Errors: code "no_go" (not on PATH), "go_old", "no_modules"
 * (modules cannot be downloaded), "build" (the compiler's first lines). Two callers at once are
 * safe (lock file, rename). May take minutes. */
int pipeline_build(const char *cache, const struct pipeline_files *p, char **binary, struct err *e);
/* Is it built already? The path, or NULL. */
char *pipeline_built(const char *cache, const struct pipeline_files *p);
/* Absolute path of the go program in PATH, NULL = none; the caller frees. */
char *pipeline_go(void);

#endif
