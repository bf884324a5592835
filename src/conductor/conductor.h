/* conductor.h - the headless process that owns a repository's state: one thread, one loop, a pool
 * for what blocks. */
#ifndef CONDUCTOR_CONDUCTOR_H
#define CONDUCTOR_CONDUCTOR_H

/* `yolodeck conductor COMMON_DIR`: runs until 60 s with nothing live and nobody connected, or
 * `shutdown`. Exit code. */
int conductor_main(const char *common_dir);

#endif
