#!/bin/bash
# limits.sh - commands that want all of the machine: each is stopped with the right sentence, and its neighbour in the race is unharmed.
# timeout: 1500
# The dollars belong to the commands of the variants.
# shellcheck disable=SC2016
# shellcheck source=tests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

# Is a limit enforced by this engine here? Asked of the program itself, as a user would.
enforced() { # ENGINE FLAG VALUE
	"$YOLO" run --engine "$1" --network none "$2" "$3" --wait -- true >/dev/null 2>"$T/asked"
}

limit_race() { # ENGINE
	local race dir pids=24 lines
	{
		printf '{ "engine": "%s", "network": "none", "parallel": 6, "limits": { "memory": "64m", "pids": %d, "time": "300s" }, "variants": [\n' "$1" $pids
		printf '{ "name": "neighbour", "command": %s },\n' "$(json_to_str 'echo x >made; i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo "line $i of the neighbour"; done; while [ ! -e stop ]; do sleep 0.1; done; echo end')"
		printf '{ "name": "bomb", "limits": { "time": "3s", "memory": "512m" }, "command": %s },\n' "$(json_to_str 'echo x >made; exec perl -e "while (1) { fork }"')"
		printf '{ "name": "hog", "command": %s },\n' "$(json_to_str 'echo x >made; exec perl -e "push @a, q(x) x (1<<20) while 1"')"
		printf '{ "name": "late", "limits": { "time": "1s" }, "command": "echo x >made; echo begun; sleep 1000" },\n'
		printf '{ "name": "deaf", "limits": { "time": "1s" }, "command": %s },\n' "$(json_to_str 'echo x >made; trap "" TERM HUP INT QUIT; echo begun; while :; do sleep 1; done')"
		printf '{ "name": "orphans", "command": %s } ] }\n' "$(json_to_str 'echo x >made; trap "" TERM HUP; for i in 1 2 3; do (setsid sh -c "while :; do echo orphan; sleep 0.01; done" &) ; done; sleep 0.2; exit 3')"
	} >"$T/race.json"
	race=$("$YOLO" run -f "$T/race.json" -d 2>"$T/err")
	[ -n "$race" ] || not_ok "$1: the race starts" "$(cat "$T/err")" || return
	dir=$(state_dir)/races/$race
	wait_ok "$1: all but the neighbour end" '[ "$("$YOLO" ls --json | grep -o "\"state\":\"\(running\|stopping\|saving\|queued\|preparing\)\"" | wc -l)" = 1 ]' 120
	like "$("$YOLO" show "$race/neighbour")" 'state +running' "$1: the neighbour still runs"
	: >"$dir/neighbour/work/stop"
	"$YOLO" wait "$race" >/dev/null
	like "$("$YOLO" show "$race/neighbour")" 'state +passed' "$1: the neighbour passes"
	lines=$(seq -f 'line %g of the neighbour' 2000; echo end)
	is "$("$YOLO" log "$race/neighbour" | md5sum)" "$(md5sum <<<"$lines")" "$1: its log is exact"
	like "$("$YOLO" show "$race/bomb")" 'reason +(exit [0-9]+|time limit 3s).*, process limit \(24\) reached' "$1: a fork bomb is ended, and says by what"
	like "$("$YOLO" show "$race/hog")" 'reason +out of memory \(limit 64(\.0)? MiB\)' "$1: a memory hog is ended: out of memory, with the limit"
	like "$("$YOLO" show "$race/late")" 'reason +time limit 1s' "$1: a late one is ended by its time limit"
	like "$("$YOLO" show "$race/deaf")" 'reason +time limit 1s' "$1: one that ignores TERM, too"
	is "$("$YOLO" log "$race/deaf" | head -1)" begun "$1: its log is there"
	like "$("$YOLO" show "$race/orphans")" 'reason +exit 3' "$1: what a command left behind does not hold it up"
	for v in bomb hog late deaf orphans neighbour; do
		like "$("$YOLO" show "$race/$v")" "branch +yolo/$race/$v" "$1: the work of $v is on its branch"
	done
	is "$(pgrep -c -f "while :; do echo orphan" || :)" 0 "$1: nothing of it is left"
}

# kill ends one that does not listen, and the machine is asked for nothing meanwhile.
kill_deaf() { # ENGINE
	local race
	race=$("$YOLO" run --engine "$1" --network none --allow-unlimited -d -- sh -c 'trap "" TERM HUP INT QUIT; echo begun; while :; do sleep 1; done' 2>/dev/null)
	wait_for '[ -n "$("$YOLO" log '"$race"'/1)" ]'
	check "$1: kill of one that ignores TERM" timeout 60 "$YOLO" kill "$race/1"
	timeout 60 "$YOLO" wait "$race" >/dev/null
	like "$("$YOLO" show "$race/1")" 'state +killed' "$1: it is killed"
}

# Where a limit is not enforced, the race is refused, and with consent every row says so.
not_enforced() { # ENGINE
	local flag value word
	while read -r flag value word; do
		if enforced "$1" "$flag" "$value"; then
			ok "$1: the limit of $word is enforced here"
			continue
		fi
		like "$(cat "$T/asked")" "$word.* not enforced here.*--allow-unlimited" "$1: a limit of $word that is not enforced is refused"
		"$YOLO" run --engine "$1" --network none "$flag" "$value" --allow-unlimited -d -- sh -c 'while [ ! -e stop ]; do sleep 0.1; done' >"$T/n" 2>"$T/err"
		like "$(cat "$T/err")" "$word.* not enforced here" "$1: with consent it is said"
		wait_ok "$1: ... and on the row" '"$YOLO" ls --json | grep -q "\"warn\":\"[^\"]*not enforced here"'
		"$YOLO" kill --all >/dev/null
	done <<-'LIMITS'
		--memory 256m memory
		--pids 100 pids
		--cpus 0.5 cpus
	LIMITS
}

cd "$(toy_repo)" || exit 1
n=0
for engine in docker local; do
	if { [ $engine = local ] && ! have_bwrap; } || { [ $engine = docker ] && ! have_docker; }; then
		skip "limits on $engine" "$engine does not run here"
		continue
	fi
	n=$((n + 1))
	not_enforced $engine
	kill_deaf $engine
	if enforced $engine --memory 64m && enforced $engine --pids 24; then
		limit_race $engine
	else
		skip "commands that want all of the machine, on $engine" "$(head -n 1 "$T/asked")"
	fi
done
[ $n -gt 0 ] || skip_all "neither bubblewrap nor Docker here"

# Local as a plain user, where limits need systemd: refused, and shown with consent.
if [ "$(id -u)" = 0 ] && have_bwrap && setpriv --reuid 23456 --regid 23456 --clear-groups bwrap --ro-bind / / --unshare-all true 2>/dev/null; then
	chmod 711 "$T"
	mkdir -p "$T/pub"
	cp "$YOLO" "$T/pub/yolodeck"
	chmod -R go=rX "$T/pub"
	install -d -o 23456 -g 23456 -m 700 "$T/user" "$T/user/state" "$T/user/run"
	user() {
		setpriv --reuid 23456 --regid 23456 --clear-groups --inh-caps=-all env HOME="$T/user" XDG_STATE_HOME="$T/user/state" XDG_RUNTIME_DIR="$T/user/run" \
			GIT_CONFIG_COUNT=2 GIT_CONFIG_KEY_0=user.name GIT_CONFIG_VALUE_0=u GIT_CONFIG_KEY_1=user.email GIT_CONFIG_VALUE_1=u@x "$@"
	}
	user git init -q "$T/user/repo"
	cd "$T/user/repo" || exit 1
	user git commit -q --allow-empty -m x
	if user "$T/pub/yolodeck" run --engine local --network none --memory 256m --wait -- true >/dev/null 2>"$T/asked"; then
		skip "a plain user's limits are refused" "they are enforced here"
	else
		like "$(cat "$T/asked")" 'memory limit not enforced here.*--allow-unlimited' "as a plain user: a memory limit that is not enforced is refused"
		user "$T/pub/yolodeck" run --engine local --network none --memory 256m --allow-unlimited -d -- sh -c 'while [ ! -e stop ]; do sleep 0.1; done' >/dev/null 2>"$T/err"
		like "$(cat "$T/err")" 'memory limit not enforced here' "as a plain user: with consent it is said"
		wait_ok "as a plain user: ... and on the row" 'user "$T/pub/yolodeck" ls --json | grep -q "\"warn\":\"memory limit not enforced here"'
		user "$T/pub/yolodeck" kill --all >/dev/null
	fi
fi
done_testing
