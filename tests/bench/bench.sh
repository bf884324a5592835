#!/bin/sh
# bench.sh - measures the budgets (DESIGN 12) that apply to what is built, prints one JSON object on stdout, progress on stderr.
# Every figure is the median of several runs; tmux shows the same logs beside us in the same run. It never fails for being slow.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
yolo=$top/build/yolodeck
tools=$top/build/bench
runs=${BENCH_RUNS:-5}
dir=$(mktemp -d "${TMPDIR:-/tmp}/yolodeck-bench.XXXXXX")
# Go keeps what it built below HOME
if command -v go >/dev/null; then
	GOMODCACHE=$(go env GOMODCACHE) GOCACHE=$(go env GOCACHE)
	export GOMODCACHE GOCACHE
fi
export HOME="$dir/home" XDG_STATE_HOME="$dir/state" XDG_CONFIG_HOME="$dir/config" XDG_RUNTIME_DIR="$dir/run"
export TERM=screen-256color LC_ALL=C.UTF-8 TMUX_TMPDIR="$dir/run"
mkdir -m 700 "$HOME" "$XDG_STATE_HOME" "$XDG_CONFIG_HOME" "$XDG_RUNTIME_DIR" "$dir/repo"
unset TMUX

say() { echo "bench: $*" >&2; }
median() { sort -n | awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)]; else print "null" }'; }
p95() { sort -n | awk '{ v[NR] = $1 } END { if (NR) { i = int(NR * 0.95 + 0.999); print v[(i > NR) ? NR : i] } else print "null" }'; }
put() { printf '%s  "%s": %s' "$sep" "$1" "$2"; sep=',
'; }
# CPU of a process so far, in ticks of 10 ms (user + system).
ticks() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat" 2>/dev/null || echo 0; }
# Voluntary and forced switches of all threads: each wake-up is one.
switches() { cat /proc/"$1"/task/*/status 2>/dev/null | awk '/ctxt_switches/ { n += $2 } END { print n + 0 }'; }
rss_kb() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status" 2>/dev/null || echo null; }
conductor() { "$yolo" status --json | sed -n 's/.*"pid":\([0-9]*\).*/\1/p'; }
rows() { "$yolo" ls --all --json; }
# jq: milliseconds of "2026-11-24T16:00:20.542166956Z"
ms='def ms: capture("(?<s>.*)[.](?<f>[0-9]{3})[0-9]*Z") | ((.s + "Z") | fromdate) * 1000 + (.f | tonumber);'
wait_running() { # RACE N
	for _ in $(seq 600); do
		[ "$(rows | jq "[.rows[] | select(.race == $1 and .state == \"running\")] | length")" -ge "$2" ] && return 0
		sleep 0.05
	done
	say "race $1 did not come up"
	return 1
}
start() { "$yolo" run --headless --engine "$engine" --allow-unlimited "$@"; }
finish() { "$yolo" kill --race "$1" >/dev/null 2>&1 || true; "$yolo" wait "$1" >/dev/null 2>&1 || true; }

cleanup() {
	trap - EXIT INT TERM
	tmux -L bench kill-server 2>/dev/null || true
	for repo in "$dir/repo" "$dir/many"; do
		cd "$repo" 2>/dev/null || continue
		"$yolo" kill --all >/dev/null 2>&1 || true
		pid=$(conductor 2>/dev/null || true)
		[ -z "$pid" ] || kill "$pid" 2>/dev/null || true
	done
	docker rmi -f "$image" >/dev/null 2>&1 || true
	cd /
	chmod -R u+rwX "$dir" 2>/dev/null || true
	rm -rf "$dir"
}
trap cleanup EXIT
# shellcheck source=tests/bench/dagger.sh
. "$top/tests/bench/dagger.sh"
trap 'exit 1' INT TERM

cd "$dir/repo"
git init -q -b main
git config user.name Bench
git config user.email bench@localhost
for i in 0 1 2 3 4 5 6 7 8 9; do
	mkdir "d$i"
	for k in $(seq 0 29); do
		[ "$k" = 0 ] && n=$i || n=$((k * 10 + i))
		seq 1 40 >"d$i/f$n.txt"
	done
done
cp "$tools/emit" emit
git add -A
git commit -qm base

# BENCH_ONLY=dagger leaves the rest out, BENCH_ENGINES=docker the half of that part on Dagger.
if [ "${BENCH_ONLY:-}" = dagger ]; then
	sep=''
	printf '{\n'
	bench_dagger
	printf '\n}\n'
	exit 0
fi

# ---- which engine -------------------------------------------------------------------------------------------------
engine=${BENCH_ENGINE:-}
if [ -z "$engine" ]; then
	for engine in docker local fake; do
		[ "$engine" != fake ] || export YOLODECK_FAKE=1
		r=$(start -n 1 -- true 2>/dev/null) && break
	done
	"$yolo" wait "$r" >/dev/null 2>&1 || true
fi
say "engine $engine"
sep=''
printf '{\n'
put version "\"$("$yolo" version | tr -dc '0-9.\n' | head -n1)\""
put engine "\"$engine\""
put cores "$(nproc)"
put load_before "$(cut -d' ' -f1 /proc/loadavg)"

# ---- first frame --------------------------------------------------------------------------------------------------
say "first frame"
race=$(start -n 8 --parallel 8 -- sh -c 'seq 1 2000; exec sleep 1000')
wait_running "$race" 8
for _ in $(seq "$runs"); do "$tools/ptymeter" 80x24 first "help" -- "$yolo"; done >"$dir/t"
put first_frame_ms "$(median <"$dir/t")"
for _ in $(seq "$runs"); do
	kill -9 "$(conductor)"
	"$tools/ptymeter" 80x24 first "help" -- "$yolo"
done >"$dir/t"
put first_frame_conductor_starts_ms "$(median <"$dir/t")"

# ---- idle ---------------------------------------------------------------------------------------------------------
say "idle"
c=$(conductor)
sleep 2
a=$(switches "$c")
sleep 10
put wakeups_conductor_idle_10s "$(($(switches "$c") - a))"
tmux -L bench -f /dev/null new-session -d -x 160 -y 45 "exec $yolo"
sleep 2
deck=$(tmux -L bench display -p '#{pane_pid}')
a=$(switches "$deck")
b=$(switches "$c")
sleep 10
put wakeups_deck_idle_10s "$(($(switches "$deck") - a))"
put wakeups_conductor_watched_10s "$(($(switches "$c") - b))"
tmux -L bench kill-server
say "keys, idle"
"$tools/ptymeter" 80x24 keys 40 '?' 'ALWAYS' q "help" -- "$yolo" >"$dir/t" || true
put key_idle_p95_ms "$(p95 <"$dir/t")"
finish "$race"

# ---- a line from the container to the screen ------------------------------------------------------------------------
say "line to screen"
race=$(start -n 1 --name line -- sh -c 'mkfifo f; chmod 666 f; echo ready; exec cat <>f')
wait_running "$race" 1
f=$(rows | jq -r ".rows[] | select(.race == $race) | .variant" | head -n1)
fifo=$(find "$XDG_STATE_HOME" -path "*/races/$race/$f/work/f" | head -n1)
for _ in $(seq 100); do [ -p "$fifo" ] && break; sleep 0.05; fifo=$(find "$XDG_STATE_HOME" -path "*/races/$race/*/work/f" | head -n1); done
"$tools/ptymeter" 80x24 lines "$fifo" 60 "help" -- "$yolo" >"$dir/t" || true
put line_to_screen_p50_ms "$(median <"$dir/t")"
put line_to_screen_p95_ms "$(p95 <"$dir/t")"
finish "$race"

# ---- 8 x 10,000 lines a second --------------------------------------------------------------------------------------
say "8 x 10,000 lines/s"
race=$(start -n 8 --parallel 8 --log-limit 4g -- ./emit lines 10000 60)
wait_running "$race" 8
c=$(conductor)
tmux -L bench -f /dev/null new-session -d -x 160 -y 45 "exec $yolo"
sleep 2
deck=$(tmux -L bench display -p '#{pane_pid}')
server=$(tmux -L bench display -p '#{pid}')
d0=$(ticks "$deck"); c0=$(ticks "$c"); s0=$(ticks "$server")
sleep 10
put deck_cpu_percent "$(echo "$(ticks "$deck") $d0" | awk '{ print ($1 - $2) / 10 }')"
put conductor_cpu_percent "$(echo "$(ticks "$c") $c0" | awk '{ print ($1 - $2) / 10 }')"
put tmux_server_under_deck_cpu_percent "$(echo "$(ticks "$server") $s0" | awk '{ print ($1 - $2) / 10 }')"
tmux -L bench kill-server
say "keys, under load"
"$tools/ptymeter" 160x45 keys 40 '?' 'ALWAYS' q "help" -- "$yolo" >"$dir/t" || true
put key_loaded_p95_ms "$(p95 <"$dir/t")"

say "the same logs in tmux panes"
first=1
for log in $(find "$XDG_STATE_HOME" -path "*/races/$race/*/log" | sort); do
	if [ $first = 1 ]; then tmux -L bench -f /dev/null new-session -d -x 160 -y 45 "exec tail -n 20 -f $log"; else tmux -L bench split-window "exec tail -n 20 -f $log"; fi
	tmux -L bench select-layout tiled
	first=0
done
sleep 1
server=$(tmux -L bench display -p '#{pid}')
s0=$(ticks "$server")
t0=0; for p in $(tmux -L bench list-panes -F '#{pane_pid}'); do t0=$((t0 + $(ticks "$p"))); done
sleep 10
t1=0; for p in $(tmux -L bench list-panes -F '#{pane_pid}'); do t1=$((t1 + $(ticks "$p"))); done
put peer_tmux_8_tails_cpu_percent "$(echo "$(ticks "$server") $s0 $t1 $t0" | awk '{ print ($1 - $2 + $3 - $4) / 10 }')"
tmux -L bench kill-server
finish "$race"

# ---- floods ----------------------------------------------------------------------------------------------------------
rate() { # BYTES -- CMD: MB/s of one variant, from its start to its end
	bytes=$1
	shift
	race=$(start -n 1 --log-limit 4g -- "$@")
	"$yolo" wait "$race" >/dev/null 2>&1 || true
	rows | jq ".rows[] | select(.race == $race) | .elapsed_ms" | awk -v b="$bytes" '{ printf "%.0f\n", b / 1e3 / ($1 > 0 ? $1 : 1) }'
}
say "flood"
for _ in 1 2 3; do rate $((1024 * 1048576)) ./emit blocks 1024; done >"$dir/t"
put flood_64k_mb_s "$(median <"$dir/t")"
for _ in 1 2 3; do rate $((2000000 * 107)) ./emit each 2000000; done >"$dir/t"
put flood_lines_mb_s "$(median <"$dir/t")"

# ---- memory after 4 GB -----------------------------------------------------------------------------------------------
say "4 GB of logs"
race=$(start -n 8 --parallel 8 --log-limit 1g -- sh -c './emit blocks 512; exec sleep 1000')
tmux -L bench -f /dev/null new-session -d -x 160 -y 45 "exec $yolo"
for _ in $(seq 600); do
	[ "$(find "$XDG_STATE_HOME" -path "*/races/$race/*/log" -size +536870911c | wc -l)" -ge 8 ] && break
	sleep 0.2
done
sleep 1
put deck_rss_mb "$(rss_kb "$(tmux -L bench display -p '#{pane_pid}')" | awk '{ printf "%.1f", $1 / 1024 }')"
put conductor_rss_mb "$(rss_kb "$(conductor)" | awk '{ printf "%.1f", $1 / 1024 }')"
tmux -L bench kill-server
finish "$race"

# ---- 32 at once ------------------------------------------------------------------------------------------------------
say "32 variants"
for _ in 1 2 3; do
	race=$(start -n 32 --parallel 32 --memory 64m -- sleep 1000)
	wait_running "$race" 32
	rows | jq "$ms [.rows[] | select(.race == $race)] | ((map(.started | ms) | max) - (map(.created | ms) | min)) | floor"
	finish "$race"
done >"$dir/t"
put all_32_running_ms "$(median <"$dir/t")"

# ---- snapshots -------------------------------------------------------------------------------------------------------
say "snapshots"
mkdir "$dir/s1"
"$tools/snapmeter" "$dir/repo" "$dir/s1" 8 5 >"$dir/t"
put snapshot_300_files "$(cat "$dir/t")"
for d in $(seq 0 393); do
	mkdir "x$d"
	for k in $(seq 0 49); do echo "$d $k" >"x$d/g$k.txt"; done
done
git add -A
git commit -qm big
mkdir "$dir/s2"
"$tools/snapmeter" "$dir/repo" "$dir/s2" 4 5 >"$dir/t"
put snapshot_20000_files "$(cat "$dir/t")"
bench_dagger
put load_after "$(cut -d' ' -f1 /proc/loadavg)"
printf '\n}\n'
