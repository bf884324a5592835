#!/bin/bash
# deps.sh - tests/deps.sh with a world of programs that is made up: silent, installing, or naming what is missing.
# shellcheck disable=SC2016
# shellcheck source=tests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

# All programs of this machine, without those that are to be missing; apt-get, id and sudo are ours.
world() { # MISSING...
	rm -rf "$T/world"
	mkdir "$T/world"
	cp -s /usr/bin/* /bin/* "$T/world/" 2>/dev/null
	rm -f "$T/world/apt-get" "$T/world/sudo" "$T/log"
	local p
	for p; do rm -f "$T/world/$p"; done
}

tool() { # NAME LINES
	rm -f "$T/world/$1"
	printf '#!/bin/sh\n%s\n' "$2" >"$T/world/$1"
	chmod +x "$T/world/$1"
}

deps() { # build|test
	OUT=$(PATH=$T/world LOG=$T/log sh "$LIB_TOP/tests/deps.sh" "$@" 2>&1)
	RC=$?
}

world
deps build
is "$RC $OUT" "0 " "nothing missing to build: silent"
deps test
is "$RC $OUT" "0 " "nothing missing to test: silent"
deps
is "$RC" 2 "no word: usage"
deps other
like "$RC $OUT" '^2 usage' "another word: usage"

world tmux jq
deps build
is "$RC $OUT" "0 " "what only tests need is not missing to build"
deps test
is "$RC $OUT" "1 Missing to test: install what Debian calls jq tmux, then try again." "without apt-get: one sentence with the names"
tool apt-get 'exit 1'
tool id 'echo 1000'
deps test
is "$RC $OUT" "1 Missing to test: run \`sudo apt-get install jq tmux\`, then try again." "neither root nor sudo: the command to run"
tool sudo 'exit 1'
deps test
is "$RC" 1 "sudo that asks is not used"

# An apt-get that brings what it is asked for.
BRINGS='echo "$*" >>"$LOG"; for p; do case $p in tmux | jq) : >"'$T'/world/$p"; chmod +x "'$T'/world/$p" ;; esac; done'
world tmux jq
tool id 'echo 0'
tool apt-get "$BRINGS"
deps test
is "$RC" 0 "root: installs"
is "$(cat "$T/log")" "install -y -q --no-install-recommends jq tmux" "exactly what is missing, without a question"

world tmux
tool id 'echo 1000'
tool sudo 'shift; echo sudo >>"$LOG"; exec "$@"'
tool apt-get "$BRINGS"
deps test
is "$RC" 0 "sudo without a password: installs"
like "$(cat "$T/log")" 'sudo' "through sudo"

world tmux
tool id 'echo 0'
tool apt-get 'echo "$1" >>"$LOG"; case $1 in update) : >"$LOG.updated" ;; esac; [ -e "$LOG.updated" ] || exit 100; '"$BRINGS"
deps test
is "$RC" 0 "stale package lists: updates and installs"
like "$(tr '\n' ' ' <"$T/log")" '^install update .*install -y' "in that order"

world tmux
tool id 'echo 0'
tool apt-get 'exit 0'
deps test
is "$RC ${OUT##*$'\n'}" "1 Still missing to test: tmux. Install by hand, then try again." "installed and still missing: says so"

world cc gcc
deps build
like "$RC $OUT" '^1 .*gcc.*libc6-dev.*libcjson-dev.*libcurl4-openssl-dev.*libncurses-dev.*libutf8proc-dev' "without a compiler: compiler and libraries are named"
world
tool cc 'case "$*" in *-static*) exit 1 ;; esac; exec /usr/bin/cc "$@"'
deps build
like "$RC $OUT" '^1 .*calls libc6-dev,' "no static libc: named"
tool cc 'in=$(cat); case "$in" in *curl/curl.h*) exit 1 ;; esac; printf "%s\n" "$in" | /usr/bin/cc "$@"'
deps build
like "$RC $OUT" '^1 .*calls libcurl4-openssl-dev,' "a header that is not there: its package is named"
done_testing
