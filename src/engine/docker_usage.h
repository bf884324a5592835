/* docker_usage.h - cpu and memory of a container by its cgroup files, v1 or v2, through held
 * descriptors: 9 us a sample. */
#ifndef ENGINE_DOCKER_USAGE_H
#define ENGINE_DOCKER_USAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct docker_usage {
	int cpu, memory, stat; /* descriptors, -1 = not there */
	bool cpu_v2, memory_v2;
};
#define DOCKER_USAGE_INIT \
	{ \
		-1, -1, -1, false, false \
	}

/* By a process in it. What cannot be found stays -1 (also when the path leads out of our own cgroup
 * namespace). */
void docker_usage_open(struct docker_usage *c, pid_t pid);
void docker_usage_close(struct docker_usage *c);
/* cpu time in ns, memory in bytes without the inactive file cache; -1 = not known (or the cgroup is
 * gone). */
void docker_usage_sample(const struct docker_usage *c, int64_t *cpu_ns, int64_t *memory);

#endif
