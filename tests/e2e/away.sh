#!/usr/bin/env bash
# away.sh - a Docker daemon of our own is frozen, killed and stopped in the middle of a race: what the deck says, what goes on, what is found again.
# timeout: 1500
# shellcheck disable=SC2016
# shellcheck source=tests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

# In a network namespace of its own: a second daemon would take the machine's bridge away.
unshare -n true 2>/dev/null || skip_all 'no root: a daemon of our own needs it'
command -v dockerd >/dev/null || skip_all 'no dockerd'
export DOCKER_HOST=unix://$T/docker/sock
mkdir "$T/docker"
echo '{}' >"$T/docker/none.json"

daemon() { # [OPTION...]
	unshare -n dockerd --config-file "$T/docker/none.json" --data-root "$T/docker/data" --exec-root "$T/docker/exec" --pidfile "$T/docker/pid" -H "$DOCKER_HOST" \
		--storage-driver vfs --bridge=none --iptables=false --ip6tables=false "$@" >>"$T/docker/log" 2>&1 &
	DOCKERD=$!
	wait_for 'timeout 5 docker version >/dev/null 2>&1'
}

gone() {
	local c
	c=$(cat "$T/docker/exec/containerd/containerd.pid" 2>/dev/null)
	wait "$DOCKERD" 2>/dev/null
	[ -z "$c" ] || kill -9 "$c" 2>/dev/null
	[ -z "$c" ] || wait_for '[ ! -e "/proc/'"$c"'" ]'
	rm -f "$T/docker/pid" "$T/docker/exec/containerd/containerd.pid"
}

# What survives a daemon are shims: they are known by our directory in their command line, mounts are theirs.
daemon_end() {
	local p
	kill -CONT "$DOCKERD" 2>/dev/null
	timeout 10 docker ps -aq 2>/dev/null | xargs -r timeout 20 docker rm -f >/dev/null 2>&1
	kill -TERM "$DOCKERD" 2>/dev/null
	wait_for '[ ! -e "/proc/$DOCKERD" ] || ! kill -0 "$DOCKERD" 2>/dev/null' || kill -9 "$DOCKERD" 2>/dev/null
	grep -l -s -z -F "$T/docker/exec" /proc/[0-9]*/cmdline | while IFS=/ read -r _ _ p _; do
		# a shim's death alone leaves its container running
		[ "$p" = "$BASHPID" ] || { pkill -9 -P "$p"; kill -9 "$p"; } 2>/dev/null
	done
	grep -o " $T/docker/[^ ]*" /proc/mounts | sort -r | xargs -r -n 1 umount -l 2>/dev/null
}
trap 'trap - EXIT; (exit $?); daemon_end; lib_exit' EXIT

log_grows() { # TEXT: the logs of the race together
	local size
	size=$(cat "$state"/races/1/*/log | wc -c)
	wait_ok "$1" '[ "$(cat "'"$state"'"/races/1/*/log | wc -c)" -gt '"$((size + 20))"' ]'
}

daemon --live-restore || skip_all "a daemon of our own does not start: $(tail -n 1 "$T/docker/log" | cut -c1-200)"
cd "$(toy_repo)" || exit 1
"$YOLO" run --engine docker --allow-unlimited --network none -n 3 --parallel 3 --name away -d -- sh -c 'trap "exit 7" TERM; n=0
	while :; do n=$((n + 1)); echo "tick $n"; sleep 0.1; done' >"$T/out" 2>&1 || not_ok 'the race starts' "$(cat "$T/out")"
state=$(state_dir)
term_start 100x30 env yolodeck
# whichever is last: the start of one may take long
term_wait '1 away-1 .*running ' && term_wait '2 away-2 .*running '
term_shows 'three run' '3 away-3 .*running '
term_wait 'tick [0-9]'

# ---- frozen: nothing answers, nothing is refused
kill -STOP "$DOCKERD"
frozen=$EPOCHREALTIME
term_shows 'frozen: the deck says that docker does not answer' 'docker does not answer|docker silent'
echo "# seen after $(((${EPOCHREALTIME/./} - ${frozen/./}) / 1000)) ms"
like "$SCREEN" 'running\?' 'frozen: what was live is uncertain'
like "$SCREEN" 'Next step' 'frozen: with a next step'
log_grows 'frozen: the logs go on' away-1
term_keys 1
term_wait '^▌ +1 away-1'
term_keys x
term_wait 'kill 1 away-1\?'
term_keys y
term_shows 'frozen: a kill is kept' 'is kept'
log_grows 'frozen: not sent yet' away-1
timeout 60 "$YOLO" ls >"$T/out" 2>&1
is $? 0 'frozen: ls answers'
kill -CONT "$DOCKERD"
term_shows 'thawed: the kept kill was sent' '1 away-1 .*killed'
term_shows 'thawed: the others run' '3 away-3 .*running '
unlike "$SCREEN" 'does not answer' 'thawed: the band is gone'

# ---- killed in the middle, containers live on
kill -9 "$DOCKERD"
gone
term_shows 'killed: the deck says so' 'docker does not answer|docker silent'
term_shows 'killed: what was live is uncertain' '2 away-2 .*running\?'
log_grows 'killed: the logs go on' away-2
check 'killed: a diff still works' "$YOLO" diff away-1
pid=$(conductor_pid "$state")
kill -9 "$pid"
wait_ok 'killed: a new conductor comes without docker too' '[ -n "$(conductor_pid "$state")" ] && [ "$(conductor_pid "$state")" != '"$pid"' ]'
term_shows 'killed: and it does not call them lost' '2 away-2 .*running\?'
daemon --live-restore || not_ok 'the daemon is back' "$(tail -n 3 "$T/docker/log")"
term_shows 'back: found again' '2 away-2 .*running '
log_grows 'back: the same container writes on' away-2
is "$(docker ps -q | wc -l)" 2 'back: two containers, no more'

# ---- no daemon at the start
term_stop
kill -TERM "$DOCKERD"
gone
refused 'no daemon: a run is refused' 1 "$YOLO" run --engine docker --allow-unlimited -d -- true
like "$SAID" 'Docker|docker' 'no daemon: the sentence says so'
echo "# $SAID"
done_testing
