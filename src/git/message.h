/* message.h - commit messages made of what a person or a race file wrote. */
#ifndef GIT_MESSAGE_H
#define GIT_MESSAGE_H

/* "<prefix>: <text>" as a subject of at most 72 columns; what does not fit follows in the body;
 * then the trailer "Yolodeck: <label>". Prefix and text may be NULL. Only the first line of the
 * text counts, and nothing of it that a terminal would obey. The caller frees. */
char *message_make(const char *prefix, const char *text, const char *label);

#endif
