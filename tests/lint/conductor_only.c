/* conductor_only.c - links the conductor with what it may know, to prove that it needs no curses.
 * Never run. */
#include "conductor/conductor.h"

int main(int argc, char **argv)
{
	return argc > 1 ? conductor_main(argv[1]) : 2;
}
