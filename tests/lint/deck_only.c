/* deck_only.c - links the deck with what it may know, to prove that it needs no engine and no
 * libcurl. Never run. */
#include "ui/app.h"

int main(int argc, char **argv)
{
	return argc > 1 ? app_main(argv[1], "", 0) : 2;
}
