#!/bin/sh
# lint.sh - holds the walls of the design. Usage: lint.sh [text|format|shell|headers|modules|links]... (default: all).
# Exit 1 = something was found.
#
# LINT_ROOT: the tree to look at (default: this one).
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cd -- "${LINT_ROOT:-$here/../..}"
found=$(mktemp)
out=$(mktemp)
trap 'rm -f "$found" "$out"' EXIT
trap 'echo "lint: stopped by a signal, before its end" >&2; exit 1' HUP INT TERM
cores=$(nproc 2>/dev/null || echo 1)

say() {
	printf '%s\n' "$1" >>"$found"
}

# The sources by kind: C and headers, shell (by suffix or by first line), Go, awk.
sources() {
	find . \( -name build -o -name .git -o -name .dev \) -prune -o -type f \
		\( -name '*.c' -o -name '*.h' -o -name '*.sh' -o -name '*.go' -o -name '*.go.tmpl' -o -name '*.awk' -o -path './.ci/run' \) -print | sed 's,^\./,,' | sort
}

scripts() {
	sources | while read -r f; do
		case $f in
		*.sh) echo "$f" ;;
		.ci/run) echo "$f" ;;
		esac
	done
}

check_text() {
	sources >"$out"
	# Names with blanks do not exist here, and are refused first.
	if grep ' ' "$out"; then
		say "a file name with a blank"
		return
	fi
	# shellcheck disable=SC2046 # the list is split on purpose
	awk -f "$here/text.awk" $(cat "$out") >>"$found"
}

check_shell() {
	if ! command -v shellcheck >/dev/null; then
		say "shellcheck is not installed: run \`make deps\` or tests/deps.sh test"
		return
	fi
	# A few at a time on every core: it reads what a script sources anew for each.
	scripts | xargs -n 6 -P "$cores" shellcheck -x -f gcc >>"$found" || :
}

# `.clang-format` decides; versions differ in details, so only the one it was written for judges.
check_format() {
	if ! clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
		echo "lint: formatting not judged: clang-format 14 is not installed"
		return
	fi
	sources | grep '\.[ch]$' | xargs -n 40 -P "$cores" clang-format --dry-run -Werror 2>&1 |
		sed -n 's/: error: code should be clang-formatted.*/: not as .clang-format has it: run clang-format -i/p' | sort -u -t : -k 1,1 >>"$found"
}

# Every header by itself, as the first thing a file includes.
check_headers() {
	# shellcheck disable=SC2046 # as above
	set -- $(find src ui -name '*.h' 2>/dev/null | sort)
	[ $# -eq 0 ] && return
	"${CC:-cc}" -std=c11 -D_GNU_SOURCE -Isrc -I. -Wall -Wextra -Wno-unused-parameter -Wno-unused-function -fsyntax-only -x c "$@" 2>"$out" || :
	grep -E '(error|warning):' "$out" | sed 's/$/ (this header does not compile alone)/' >>"$found" || :
}

# Circles between the files of a part, and what headers call what they export.
check_modules() {
	# shellcheck disable=SC2046 # as above
	set -- $(sources | grep -E '^(src|ui)/.*\.[ch]$')
	awk -f "$here/modules.awk" "$@" >>"$found"
}

# $1 = program, $2 = what must not be in it; it must link without that library, and not pull it in through another.
check_link() {
	if ! make -s -j "$cores" "build/$1" >"$out" 2>&1; then
		say "build/$1 does not link: $(grep -m 1 -E 'undefined|error' "$out" || tail -n 1 "$out")"
		return
	fi
	if ldd "build/$1" | grep -E "$2"; then
		say "build/$1 is linked with a library of another part ($2)"
	fi
}

# A wall between parts that are not there yet cannot be tested; this says so.
check_links() {
	for part in ui src/client src/git src/conductor src/engine; do
		if [ -z "$(find "$part" -name '*.c' 2>/dev/null)" ]; then
			echo "lint: links not tested: $part has no source yet"
			return
		fi
	done
	check_link deck-only 'libcurl'
	check_link conductor-only 'curses|libtinfo'
}

[ $# -gt 0 ] || set -- text format shell headers modules links
for what; do
	case $what in
	text | format | shell | headers | modules | links) "check_$what" ;;
	*)
		echo "lint.sh: $what is none of: text format shell headers modules links" >&2
		exit 2
		;;
	esac
done

# The list is a tool for the middle of a change: what stands in it (whole lines) is not shown, but it must be empty at the end.
if [ -s tests/lint/allow ]; then
	grep -v -x -F -f tests/lint/allow "$found" >"$out" || :
	cat "$out" >"$found"
	say "tests/lint/allow:1: the list of allowed findings must be empty"
fi
if [ -s "$found" ]; then
	cat "$found"
	echo "lint: $(wc -l <"$found") found"
	exit 1
fi
echo "lint: clean ($*)"
