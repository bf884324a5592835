#!/bin/sh
# selftest.sh - plants each violation in a small copy of the project and expects lint.sh to find it. Prints TAP.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
top=$(CDPATH='' cd -- "$here/../.." && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
: >"$tmp/results" # a file, since much here runs at the end of a pipe

# A clean tree with one file of each kind: what lint finds in it was planted.
fresh() {
	rm -rf "$tmp/t"
	mkdir -p "$tmp/t/ui" "$tmp/t/tests/lint" "$tmp/t/tests/unit" "$tmp/t/templates/pipeline"
	for p in base model git engine conductor client cli runner; do
		mkdir -p "$tmp/t/src/$p"
		printf '/* x.c - a part. */\n#include "base/y.h"\n\nint f(void)\n{\n\treturn 0;\n}\n' >"$tmp/t/src/$p/x.c"
		printf '/* y.h - a part. */\n#ifndef Y\n#define Y\n\nint y_f(void);\n\n#endif\n' >"$tmp/t/src/$p/y.h"
	done
	printf '/* x.c - a part. */\n#include "base/y.h"\n' >"$tmp/t/ui/x.c"
	printf '/* main.c - all. */\n#include "base/y.h"\n#include "conductor/y.h"\n' >"$tmp/t/src/main.c"
	: >"$tmp/t/tests/lint/allow"
}

result() { # $1 = 0 or 1, $2 = text
	n=$(($(wc -l <"$tmp/results") + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		sed 's/^/# /' "$tmp/out"
	fi
	echo "$1" >>"$tmp/results"
}

run_lint() {
	LINT_ROOT=$tmp/t sh "$here/lint.sh" "$1" >"$tmp/out" 2>&1
}

# $1 = what is planted, $2 = kind of check, $3 = words of the finding, $4 = file; its new lines come from stdin.
finds() {
	cat >>"$tmp/t/$4"
	if run_lint "$2"; then
		result 1 "found: $1"
	elif grep -q "^$4:.*$3" "$tmp/out" && [ "$(wc -l <"$tmp/out")" -eq 2 ]; then
		result 0 "found: $1"
	else
		result 1 "found: $1, and nothing else"
	fi
	fresh
}

# The same where one fault has several findings.
finds_some() {
	cat >>"$tmp/t/$4"
	if ! run_lint "$2" && grep -q "^$4:.*$3" "$tmp/out"; then result 0 "found: $1"; else result 1 "found: $1"; fi
	fresh
}

# What looks like a violation and is none.
passes() {
	cat >>"$tmp/t/$3"
	if run_lint "$2"; then result 0 "let pass: $1"; else result 1 "let pass: $1"; fi
	fresh
}

repeat() { # $1 times line $2
	awk -v n="$1" -v s="$2" 'BEGIN { for (i = 0; i < n; i++) print s }'
}

fresh
passes "a clean tree" text src/base/x.c </dev/null
passes "a clean tree's headers" headers src/base/x.c </dev/null

# Layers: each arrow against its direction.
for arrow in base:model base:git model:git model:client git:engine engine:conductor client:git client:engine cli:engine \
	cli:ui ui:engine ui:conductor ui:cli conductor:client runner:model runner:git engine:cli; do
	echo "#include \"${arrow#*:}/y.h\"" | finds "${arrow%:*} includes ${arrow#*:}" text 'may not include' \
		"$(case $arrow in ui:*) echo ui/x.c ;; *) echo "src/${arrow%:*}/x.c" ;; esac)"
done
for arrow in model:base git:model engine:git conductor:engine client:model cli:git ui:client; do
	echo "#include \"${arrow#*:}/y.h\"" | passes "${arrow%:*} includes ${arrow#*:}" text \
		"$(case $arrow in ui:*) echo ui/x.c ;; *) echo "src/${arrow%:*}/x.c" ;; esac)"
done
echo '#include "model/runlog.h"' | passes "the runner includes model/runlog.h" text src/runner/x.c
echo '#include "../git/y.h"' | finds "an include with .." text 'with \.\.' src/model/x.c
printf '/* z.c - of no part. */\n' >"$tmp/z.c"
mkdir -p "$tmp/t/src/other"
finds "an unknown part" text 'no part of the design' src/other/z.c <"$tmp/z.c"

# One-owner headers.
for h in curses.h ncurses.h ncursesw/curses.h term.h curl/curl.h cjson/cJSON.h utf8proc.h pthread.h; do
	echo "#include <$h>" | finds "<$h> elsewhere" text 'belongs to' src/git/x.c
done
echo '  #  include <curses.h>' | finds "<curses.h> with blanks" text 'belongs to' ui/x.c
printf '/* term.c - the owner. */\n#include <curses.h>\n#include <term.h>\n' | passes "<curses.h> in ui/term.c" text ui/term.c
printf '/* pool.c - the owner. */\n#include <pthread.h>\n' | passes "<pthread.h> in its owner" text src/base/pool.c
printf '/*\n#include <curses.h>\n*/\n' | passes "<curses.h> in a comment" text src/git/x.c

# Banned calls.
for f in strcpy strcat sprintf gets strtok system popen atoi alloca vsprintf strncpy tmpnam mktemp sleep usleep; do
	printf '\tx = %s (a);\n' "$f" | finds "$f()" text "$f() is banned" src/git/x.c
done
printf '/* t.c - a test. */\n\tsleep(1);\n' | finds "sleep() in a test" text 'sleep() is banned' tests/unit/t.c
printf '\tnanosleep(t); my_system(x); snprintf(b); x.gets = 1; // system(x)\n\t/* system(x)\n\t system(y) */ s = "system(\\"x\\") system(";\n\tc = %s"%s; system_x();\n' "'" "'" |
	passes "banned words in comments, texts and longer names" text src/git/x.c
printf '\ta = "/*"; system(x); b = "*/";\n' | finds "a call behind a comment mark in a text" text 'system() is banned' src/git/x.c
printf '\ta = %s\\%s%s; system(x);\n' "'" "'" "'" | finds "a call behind a quoted quote" text 'system() is banned' src/git/x.c

# Starting programs.
for f in execv execve execvp execl execlp execle fexecve posix_spawn posix_spawnp fork vfork; do
	printf '\t%s(a);\n' "$f" | finds "$f() elsewhere" text "$f() belongs to" src/engine/x.c
done
printf '/* child.c - the owner. */\n\tvfork();\n\texecve(a, b, c);\n' | passes "exec in child.c" text src/base/child.c
printf '\tfork();\n' | passes "fork in the runner" text src/runner/x.c

# Lengths.
repeat 600 'int x;' | finds "a file of 607 lines" text 'more than 600' src/base/x.c
repeat 593 'int x;' | passes "a file of 600 lines" text src/base/x.c
{ printf 'int g(void)\n{\n' && repeat 61 '	x();' && echo '}'; } | finds "a function of 61 lines" text 'function of 61' src/base/x.c
{ printf 'int g(void)\n{\n' && repeat 60 '	x();' && echo '}'; } | passes "a function of 60 lines" text src/base/x.c
{ printf '#!/bin/sh\n# z.sh - a script.\nf() {\n' && repeat 61 '	:' && echo '}'; } | finds "a shell function of 61 lines" text 'function of 61' tests/z.sh
{ printf '// z.go - go.\npackage main\nfunc f() {\n' && repeat 61 '	x()' && echo '}'; } | finds "a Go function of 61 lines" text 'function of 61' templates/z.go
{ printf '// z.go - go.\npackage main\nfunc f() {\n' && repeat 51 '	x()' && echo '}'; } | finds "a function of 51 lines in the pipeline" text 'function of 51' templates/pipeline/z.go
{ printf '// z.go - go.\npackage main\nfunc f() {\n' && repeat 50 '	x()' && echo '}'; } | passes "a function of 50 lines in the pipeline" text templates/pipeline/z.go
repeat 199 '// x' | { echo '// z.go - go.' && cat; } | passes "a file of 200 lines in the pipeline" text templates/pipeline/z.go
repeat 200 '// x' | { echo '// z.go - go.' && cat; } | finds "a file of 201 lines in the pipeline" text 'more than 200' templates/pipeline/z.go
repeat 200 '// x' | { echo '// z.go - go.' && cat; } | finds "a template of 201 lines in the pipeline" text 'more than 200' templates/pipeline/z.go.tmpl

# First lines.
echo 'int x;' | finds "a C file without its role" text 'does not begin' src/git/z.c
echo '/* other.c - a role. */' | finds "a role under another name" text 'does not begin' src/git/z.c
echo '/* z.c */' | finds "a name without a role" text 'does not begin' src/git/z.c
printf '#!/bin/sh\nset -eu\n' | finds "a script without its role" text 'does not begin' tests/z.sh

echo 'typedef struct { int x; } t;' | finds "a typedef of a struct" text 'typedef' src/git/x.c

# Width and formatting.
printf '/* %s */\n' "$(repeat 20 'words ' | tr -d '\n')" | finds "a line of more than 100 columns" text 'columns' src/git/x.c
printf 'static const char *const s = "%s";\n' "$(repeat 20 'words ' | tr -d '\n')" | passes "a string that makes its line wide" text src/git/x.c
if clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
	cp "$top/.clang-format" "$tmp/t/"
	printf 'int  g(void);\n' | finds "a line that is not as .clang-format has it" format 'clang-format' src/git/x.c
else
	result 0 "found: a line that is not as .clang-format has it # skip clang-format 14 is not installed"
fi

# The list of exceptions hides a finding and is one.
printf '\tsystem(x);\n' >>"$tmp/t/src/git/x.c"
echo 'src/git/x.c:8: system() is banned' | finds "a list of exceptions, though it hides what it names" text 'must be empty' tests/lint/allow

# Headers that need another one before them.
printf '/* z.h - needs size_t. */\nsize_t f(void);\n' | finds "a header that does not compile alone" headers 'error' src/git/z.h

# Modules: circles between files, and names.
module() { # PART NAME INCLUDES...: a header and its .c that include these
	local_part=$tmp/t/src/$1
	printf '/* %s.h - a module. */\n#ifndef M_%s\n#define M_%s\n\nint %s_do(void);\n\n#endif\n' "$2" "$2" "$2" "$2" >"$local_part/$2.h"
	printf '/* %s.c - a module. */\n' "$2" >"$local_part/$2.c"
	m=$2
	shift 2
	for inc; do printf '#include "%s"\n' "$inc" >>"$local_part/$m.c"; done
}
passes "a clean tree's modules" modules src/base/x.c </dev/null
module git a git/b.h
module git b base/y.h
passes "a module that includes another" modules src/git/a.c </dev/null
module git a git/b.h
module git b
echo '#include "git/a.h"' | finds_some "two files that include each other" modules 'a circle: b includes a, which reaches b again' src/git/b.c
module git a b.h
module git b
echo '#include "a.h"' | finds_some "the same without the part's name" modules 'a circle: b includes a' src/git/b.h
module git a git/b.h
module git b git/c.h
module git c
echo '#include "git/a.h"' | finds_some "a circle of three" modules 'a circle: c includes a, which reaches c again by b' src/git/c.c
module git a git/b.h git/a_internal.h
module git b
printf '/* a_internal.h - inner. */\n#include "git/a.h"\n' >"$tmp/t/src/git/a_internal.h"
passes "a header of the module's own files" modules src/git/a.c </dev/null
module git a git/a_internal.h
module git b git/a.h
printf '/* a_internal.h - inner. */\n#include "git/b.h"\n' | finds_some "a circle by such a header" modules 'a circle: a includes b' src/git/a_internal.h
for decl in 'int other(void);' 'void ab_do(int x);' 'char *\n\tname(int x,\n\tint y);' 'extern int open_it(void);' \
	'__attribute__((format(printf, 1, 2))) void say(const char *f, ...);' 'struct x *find(void);'; do
	module git a
	# shellcheck disable=SC2059 # with its line ends
	printf "$decl\n" | finds "exported without the module's name: $decl" modules 'begin' src/git/a.h
done
for decl in 'int a(void);' 'void a_do(int x);' 'struct other { int x; };\nvoid other_init(struct other *o);' 'struct other {\n\tint x;\n};\nint other_x(void);' \
	'static inline int g(void)\n{\n\treturn f(1);\n}' '#define OTHER(x) other(x)' '/* other(x) does */' '/* of\nother(x);\n*/' \
	'extern int (*other)(int x);' 'extern const struct other others[];' 'struct other;' 'typedef int (*other_fn)(int x);' 'enum { X = sizeof(int) };' 'int x_do(void);'; do
	module git a
	case $decl in 'int x_do'*) rm -f "$tmp/t/src/git/y.h" ;; esac
	# shellcheck disable=SC2059 # as above
	printf "$decl\n" | passes "no name of another module: $decl" modules src/git/a.h
done
module git a
printf '/* a_more.h - more of a. */\nint a_more(void);\nint a_do(void);\n' | passes "a header of the module a, with its name" modules src/git/a_more.h

# Shell.
if command -v shellcheck >/dev/null; then
	# shellcheck disable=SC2016 # planted as it stands
	printf '#!/bin/sh\n# z.sh - a script.\nrm $1\n' | finds "an unquoted variable" shell 'SC2086' tests/z.sh
else
	result 0 "found: an unquoted variable # skip shellcheck is not installed"
fi

# Links, in this tree itself: the library is in when it is asked for, so its absence means something.
if [ -x "$top/build/yolodeck" ]; then
	if ldd "$top/build/yolodeck" | grep -q libcurl && ldd "$top/build/yolodeck" | grep -q curses; then
		result 0 "the whole program is linked with both libraries (control)"
	else
		result 1 "the whole program is linked with both libraries (control)"
	fi
else
	result 0 "the whole program is linked with both libraries (control) # skip build/yolodeck is not built"
fi
echo "1..$(wc -l <"$tmp/results")"
! grep -q 1 "$tmp/results"
