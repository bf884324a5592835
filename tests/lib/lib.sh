# lib.sh - what the shell tests share: a private home, TAP, waiting, toy repositories, a private tmux, and cleaning up. For bash.
# shellcheck shell=bash disable=SC2016,SC2119,SC2120
#
# A test begins with
#	# shellcheck source=tests/lib/lib.sh
#	. "$(dirname "$0")/../lib/lib.sh"
# and ends with `done_testing`. Each test is `ok TEXT`, `not_ok TEXT [DETAIL]`, `is GOT WANT TEXT`, `like GOT REGEX TEXT`, `unlike`, `check TEXT CMD...`,
# `refused TEXT CODE CMD...` or `skip TEXT REASON`. $YOLO is the program under test (also `yolodeck` on PATH), $T a private directory.
# At the end conductors, sandboxes, containers and the tmux server of this script are ended, and a report of a sanitizer is a failure.
set -uo pipefail

LIB_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1
T=$(mktemp -d /tmp/yt-XXXXXX) || exit 1
LIB_N=0
LIB_BAD=0
LIB_PLAN=0
LIB_ENDED=0
LIB_PID=$BASHPID

# ---- a private world ----

if [ -z "${YOLO:-}" ]; then
	YOLO=$LIB_TOP/build/san/yolodeck
	[ -x "$YOLO" ] || YOLO=$LIB_TOP/build/yolodeck
fi
YOLO=$(realpath "$YOLO")
# shellcheck disable=SC2034 # for scripts that need what the user has there
LIB_HOME=${HOME:-/}
# Go keeps what it fetched and built below HOME; with the private one every test would fetch all of it again.
if command -v go >/dev/null; then
	GOMODCACHE=$(go env GOMODCACHE) GOCACHE=$(go env GOCACHE)
	export GOMODCACHE GOCACHE
fi
mkdir -m 700 "$T/home" "$T/state" "$T/config" "$T/run" "$T/bin" "$T/tmp" "$T/san"
ln -s "$YOLO" "$T/bin/yolodeck"
for LIB_VAR in $(compgen -e | grep -E '^(GIT_|XDG_|YOLO|TMUX|EDITOR$|VISUAL$|NO_COLOR$|COLORTERM$)' | grep -v -x -E 'YOLO|YOLODECK_DEBUG'); do
	unset "$LIB_VAR"
done
export YOLO HOME=$T/home XDG_STATE_HOME=$T/state XDG_CONFIG_HOME=$T/config XDG_RUNTIME_DIR=$T/run
export YOLODECK_STRICT=1 LC_ALL=C.UTF-8 TERM=xterm-256color PATH=$T/bin:$PATH
# Everything that this script starts carries this mark in its environment; the cleaning up goes by it.
export YOLODECK_TEST=$T
export ASAN_OPTIONS=detect_leaks=1:log_path=$T/san/report UBSAN_OPTIONS=print_stacktrace=1:log_path=$T/san/report
cat >"$HOME/.gitconfig" <<'CONFIG'
[user]
	name = Test User
	email = test@example.org
[init]
	defaultBranch = main
[commit]
	gpgSign = false
[advice]
	detachedHead = false
CONFIG

# ---- TAP ----

ok() {
	LIB_N=$((LIB_N + 1))
	echo "ok $LIB_N - $1"
}

not_ok() {
	LIB_N=$((LIB_N + 1))
	LIB_BAD=$((LIB_BAD + 1))
	echo "not ok $LIB_N - $1"
	shift
	[ $# -eq 0 ] || printf '%s\n' "$@" | sed 's/^/# /'
	return 1
}

skip() {
	LIB_N=$((LIB_N + 1))
	echo "ok $LIB_N - $1 # skip ${2:-}"
}

is() {
	if [ "$1" = "$2" ]; then
		ok "$3"
	else
		not_ok "$3" "got:      $1" "expected: $2"
	fi
}

like() { # GOT REGEX TEXT
	if [[ $1 =~ $2 ]]; then
		ok "$3"
	else
		not_ok "$3" "got:        $1" "no match of $2"
	fi
}

unlike() {
	if [[ $1 =~ $2 ]]; then
		not_ok "$3" "got:     $1" "matches: $2"
	else
		ok "$3"
	fi
}

# The command succeeds.
check() { # TEXT CMD...
	local text=$1 out rc
	shift
	out=$("$@" 2>&1)
	rc=$?
	if [ $rc -eq 0 ]; then
		ok "$text"
	else
		not_ok "$text" "$* ended with $rc" "$out"
	fi
}

# The command ends with this code and one sentence on stderr; the sentence is left in $SAID.
refused() { # TEXT CODE CMD...
	local text=$1 want=$2 rc
	shift 2
	SAID=$("$@" 2>&1 >"$T/refused.out" </dev/null)
	rc=$?
	if [ $rc -eq "$want" ] && [ -n "$SAID" ]; then
		ok "$text"
	else
		not_ok "$text" "$* ended with $rc, expected $want" "stderr: $SAID" "stdout: $(head -c 2000 "$T/refused.out")"
	fi
}

plan() {
	LIB_PLAN=$1
	echo "1..$1"
}

done_testing() {
	LIB_ENDED=1
	[ "$LIB_PLAN" -gt 0 ] && return
	LIB_PLAN=-1
}

# Ends the script here; all that was not run counts as one skipped test.
skip_all() {
	skip "${0##*/}" "$1"
	done_testing
	exit 0
}

# ---- waiting ----

exec {LIB_PAUSE_FD}<> <(:)

# The seconds of a wait that does not say its own: as long as a busy machine may take. What holds ends the wait at once.
LIB_DEADLINE=60

# A pause without a process: reads from a pipe that never says anything.
pause() {
	read -rt "${1:-0.02}" -u "$LIB_PAUSE_FD" || :
}

# Polls a condition (shell text) until it holds: 0; or the seconds are over: 1.
wait_for() { # CONDITION [SECONDS]
	local end
	printf -v end '%.0f' "${2:-$LIB_DEADLINE}e6" # also 0.2
	end=$((${EPOCHREALTIME/[.,]/} + end))
	until eval "$1"; do
		[ "${EPOCHREALTIME/[.,]/}" -lt "$end" ] || return 1
		pause
	done
}

# As a test of its own.
wait_ok() { # TEXT CONDITION [SECONDS]
	if wait_for "$2" "${3:-$LIB_DEADLINE}"; then
		ok "$1"
	else
		not_ok "$1" "not within ${3:-$LIB_DEADLINE} s: $2"
	fi
}

# ---- race files, toy repositories ----

# A text as one JSON string.
json_to_str() {
	local s=${1//\\/\\\\}
	s=${s//\"/\\\"}
	s=${s//$'\t'/\\t}
	printf '"%s"' "${s//$'\n'/\\n}"
}

# Makes a repository with a small program, its check and three commits; prints its path.
toy_repo() { # [NAME]
	local dir=$T/${1:-toy}
	mkdir -p "$dir/src"
	(
		cd "$dir" || exit 1
		git init -q
		printf '#!/bin/sh\n# Adds its arguments.\nsum=0\nfor n; do sum=$((sum + n)); done\necho "$sum"\n' >src/add.sh
		chmod +x src/add.sh
		git add . && git commit -q -m "Add a calculator"
		printf '#!/bin/sh\n[ "$(src/add.sh 1 2 3)" = 6 ]\n' >check.sh
		chmod +x check.sh
		git add . && git commit -q -m "Add its check"
		printf '# toy\n' >README.md
		printf '*.o\nout/\n' >.gitignore
		git add . && git commit -q -m "Describe it"
	) || exit 1
	echo "$dir"
}

# The state directory of the repository at $1 (default: here); nothing when it has none yet.
state_dir() { # [REPO]
	local common d
	common=$(cd "${1:-.}" && realpath "$(git rev-parse --git-common-dir)") || return 1
	for d in "$XDG_STATE_HOME"/yolodeck/*/; do
		[ -f "$d/repo" ] && [ "$(tail -n +2 "$d/repo")" = "$common" ] && echo "${d%/}"
	done
	return 0
}

# The pid that holds the conductor's lock in a state directory; nothing when nobody does.
conductor_pid() { # [STATE]
	local state=${1:-$(state_dir)} inode
	[ -e "$state/conductor.lock" ] || return 0
	inode=$(stat -c %i "$state/conductor.lock")
	awk -v i="$inode" '$2 == "FLOCK" && $6 ~ ":" i "$" { print $5; exit }' /proc/locks
}

have_docker() {
	[ -n "${LIB_DOCKER:-}" ] || {
		LIB_DOCKER=no
		timeout 30 docker info >/dev/null 2>&1 && LIB_DOCKER=yes
	}
	[ "$LIB_DOCKER" = yes ]
}

have_go() {
	command -v go >/dev/null
}

have_bwrap() {
	bwrap --ro-bind / / --unshare-all true 2>/dev/null
}

# ---- a private tmux ----

tm() {
	tmux -S "$T/tmux" -f "$T/tmux.conf" "$@"
}

# Starts a program on a private terminal: term_start 80x24 yolodeck. The server has no status line, and the terminal stays when the program ended.
term_start() { # WxH CMD...
	local size=$1
	shift
	cat >"$T/tmux.conf" <<'CONFIG'
set -g status off
set -g default-terminal tmux-256color
set -s escape-time 0
set -g remain-on-exit on
set -g history-limit 1000
CONFIG
	tm new-session -d -s t -x "${size%x*}" -y "${size#*x}" -c "$PWD" -- "$@"
}

term_keys() { # names as tmux knows them: Enter Escape j C-l
	tm send-keys -t t "$@"
}

term_type() { # text as it stands
	tm send-keys -t t -l -- "$1"
}

term_paste() { # as a bracketed paste, if the program asked for that
	tm set-buffer -b lib -- "$1"
	tm paste-buffer -d -p -b lib -t t
}

term_resize() { # WxH
	tm resize-window -t t -x "${1%x*}" -y "${1#*x}"
}

term_screen() { # [-e] with the escape sequences of colours
	tm capture-pane -p "$@" -t t 2>/dev/null
}

# Waits until a line of the screen matches (grep -E); the last screen stays in $SCREEN.
term_wait() { # REGEX [SECONDS]
	wait_for "SCREEN=\$(term_screen) && grep -q -E -e $(printf %q "$1") <<<\"\$SCREEN\"" "${2:-$LIB_DEADLINE}"
}

# As a test of its own; shows the screen when it does not come.
term_shows() { # TEXT REGEX [SECONDS]
	if term_wait "$2" "${3:-$LIB_DEADLINE}"; then
		ok "$1"
	else
		not_ok "$1" "no line matches: $2" "$(term_screen || echo 'the terminal is gone')"
	fi
}

# The exit code of the program on the terminal, once it ended; nothing while it runs. tmux now and then does not collect its child until another
# one ends.
term_code() {
	local state
	state=$(tm display-message -p -t t '#{pane_dead} #{pane_dead_status}' 2>/dev/null)
	[ "${state%% *}" = 1 ] || return 1
	[ -n "${state#* }" ] || tm run-shell true 2>/dev/null
	tm display-message -p -t t '#{pane_dead_status}'
}

term_pid() {
	tm display-message -p -t t '#{pane_pid}'
}

# Returns when the server is gone: a new one on the socket of a dying one would be lost.
term_stop() {
	local pid
	pid=$(tm display-message -p '#{pid}' 2>/dev/null) || return 0
	tm kill-server 2>/dev/null || :
	[ -z "$pid" ] || wait_for '[ ! -e "/proc/'"$pid"'" ]'
}

# ---- cleaning up ----

# Pids of what this script started, by the mark in their environment (and not the script itself).
lib_ours() {
	local p
	grep -l -s -z -F -x -e "YOLODECK_TEST=$T" /proc/[0-9]*/environ 2>/dev/null | while IFS=/ read -r _ _ p _; do
		[ "$p" = "$LIB_PID" ] || [ ! -e "/proc/$p/exe" ] || echo "$p"
	done
}

# Sandboxes clear their environment: they are known by their mounts of our directory, told in sandbox.json.
lib_sandboxes() {
	local f p
	for f in "$T"/state/yolodeck/*/races/*/*/sandbox.json; do
		[ -f "$f" ] || continue
		p=$(sed -n 's/.*"child-pid": *\([0-9]*\).*/\1/p' "$f" | head -n 1)
		[ -n "$p" ] && grep -q -s -F "${T##*/}" "/proc/$p/mountinfo" && echo "$p"
	done
	return 0
}

lib_signal() { # SIGNAL PIDS...
	local sig=$1 p
	shift
	for p; do kill "-$sig" "$p" 2>/dev/null || :; done
}

lib_stop() {
	local d id pids
	term_stop
	# shellcheck disable=SC2046 # pids
	lib_signal KILL $(lib_sandboxes)
	for d in "$T"/state/yolodeck/*/; do
		if [ ! -f "$d/repo" ] || ! have_docker; then continue; fi
		id=$(head -n 1 "$d/repo")
		[ ${#id} -eq 16 ] || continue
		pids=$(docker ps -aq --filter "label=yolodeck.repo=$id")
		# shellcheck disable=SC2086 # ids
		[ -z "$pids" ] || docker rm -f -v $pids >/dev/null 2>&1
	done
	# shellcheck disable=SC2046 # pids
	lib_signal TERM $(lib_ours)
	if ! wait_for '[ -z "$(lib_ours)" ]' 30; then
		# shellcheck disable=SC2046 # pids
		lib_signal KILL $(lib_ours)
		wait_for '[ -z "$(lib_ours)" ]' 30
	fi
}

lib_reports() {
	local f
	for f in "$T"/san/report*; do
		[ -s "$f" ] || continue
		not_ok "no report of a sanitizer" "$(head -c 4000 "$f")"
		return
	done
}

lib_exit() {
	local rc=$?
	trap - EXIT
	[ "$BASHPID" = "$LIB_PID" ] || exit $rc
	lib_stop >/dev/null 2>&1
	lib_reports
	if [ "$LIB_ENDED" = 0 ]; then
		not_ok "ended early (exit $rc, after line ${BASH_LINENO[0]:-?})"
	fi
	[ "$LIB_PLAN" -gt 0 ] || echo "1..$LIB_N"
	if [ -n "${KEEP:-}" ]; then
		echo "# kept: $T"
	else
		chmod -R u+rwx "$T" 2>/dev/null
		rm -rf "$T"
	fi
	[ "$LIB_BAD" -eq 0 ] || exit 1
	exit 0
}
trap lib_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
