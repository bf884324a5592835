/* pipeline_int.h - what the parts of the pipeline share: sections between markers, lists of files.
 * Internal to pipeline*.c. */
#ifndef MODEL_PIPELINE_INT_H
#define MODEL_PIPELINE_INT_H

#include "model/pipeline.h"

/* Beside the program: which template it was rendered from, and hashes of our part of each file. */
#define PIPELINE_RENDERED ".rendered"

enum { PIPELINE_MAX_FILES = 64, PIPELINE_MAX_FILE = 1 << 20 };

/* One custom section; [from, to) are the bytes between the lines of its markers. */
struct pipeline_section {
	char *name;
	size_t from, to;
};
struct pipeline_sections {
	struct pipeline_section *v;
	size_t n;
};
/* Finds the sections of a Go file; other files have none. Markers that are broken, nested, twice
 * there or of an unknown name: code "pipeline_changed", "main.go:12: ...". */
int pipeline_sections_find(
	const struct pipeline_file *f, struct pipeline_sections *out, struct err *e);
void pipeline_sections_release(struct pipeline_sections *s);
const struct pipeline_section *pipeline_section(
	const struct pipeline_sections *s, const char *name);
/* Appends what a section shall hold; text [n] is what it holds now. */
typedef void (*pipeline_section_fn)(
	const void *ctx, const char *name, const char *text, size_t n, struct buf *out);
/* The file with what put says in each of its sections; put NULL = they are empty, which leaves our
 * part (the markers stay). */
void pipeline_weave(const struct pipeline_file *f, const struct pipeline_sections *s,
	pipeline_section_fn put, const void *ctx, struct buf *out);

struct pipeline_file *pipeline_find(const struct pipeline_files *p, const char *name);
/* A new empty file at its place in the order of names; pointers of before are gone. */
struct pipeline_file *pipeline_add(struct pipeline_files *p, const char *name);
bool pipeline_name_ok(const char *name);
/* The text of .rendered for these files (which is not one of them). -1: a broken marker. */
int pipeline_rendered(const struct pipeline_files *p, struct buf *out, struct err *e);

#endif
