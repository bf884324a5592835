#!/bin/sh
# deps.sh - sees to it that what building ("build") or testing ("test") needs is installed. Usage: deps.sh build|test
#
# Says nothing when all is there. Installs with apt-get where that needs no question (root, or sudo without a password); else names the
# packages and exits 1.
set -eu
what=${1:-}
case $what in
build | test) ;;
*)
	echo "usage: deps.sh build|test" >&2
	exit 2
	;;
esac
CC=${CC:-cc}

has() {
	command -v "$1" >/dev/null 2>&1
}

# Package names of Debian and Ubuntu, one a line, for what is not there.
missing_programs() {
	has make || echo make
	has git || echo git
	[ "$what" = test ] || return 0
	has tmux || echo tmux
	has shellcheck || echo shellcheck
	has bwrap || echo bubblewrap
	has clang-format || echo clang-format
	has jq || echo jq
	has ps || echo procps
	has script || echo bsdutils
	{ [ -x /bin/busybox ] && ! ldd /bin/busybox >/dev/null 2>&1; } || echo busybox-static # an image of one file
}

missing_headers() {
	if ! has "$CC"; then
		echo gcc
		echo libc6-dev
	fi
	if ! has "$CC" || ! printf 'int main(void){return 0;}' | "$CC" -static -x c -o /dev/null - 2>/dev/null; then
		echo libc6-dev # the runner is linked with libc.a
	fi
	probes='ncurses.h:libncurses-dev curl/curl.h:libcurl4-openssl-dev cjson/cJSON.h:libcjson-dev utf8proc.h:libutf8proc-dev linux/openat2.h:linux-libc-dev'
	[ "$what" = build ] || probes="$probes cmocka.h:libcmocka-dev"
	for probe in $probes; do
		if ! has "$CC" || ! printf '#include <stdarg.h>\n#include <stddef.h>\n#include <setjmp.h>\n#include <stdint.h>\n#include <%s>\n' "${probe%%:*}" |
			"$CC" -E -x c - >/dev/null 2>&1; then
			echo "${probe#*:}"
		fi
	done
}

missing() {
	{ missing_programs && missing_headers; } | sort -u | tr '\n' ' ' | sed 's/ $//'
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo -n "$@"
	fi
}

install() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >&2
}

need=$(missing)
[ -n "$need" ] || exit 0
if ! has apt-get; then
	echo "Missing to $what: install what Debian calls $need, then try again." >&2
	exit 1
fi
if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
	echo "Missing to $what: run \`sudo apt-get install $need\`, then try again." >&2
	exit 1
fi
echo "Installing $need" >&2
# shellcheck disable=SC2086 # a list of names
if ! install $need; then
	# Package lists that are old or not there are the usual reason.
	as_root apt-get update -q >&2
	install $need || :
fi
need=$(missing)
if [ -n "$need" ]; then
	echo "Still missing to $what: $need. Install by hand, then try again." >&2
	exit 1
fi
