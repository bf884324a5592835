#!/bin/sh
# dagger.sh - the part of bench.sh about Dagger, and the same race on Docker beside it. Sourced by bench.sh, in its world; skipped with the
# reason where no engine answers, or there is nothing to make an image of.
# shellcheck shell=sh disable=SC2154 # yolo, dir, tools, ms are bench.sh's
image=yolodeck-bench-$$:1

dagger_missing() {
	command -v go >/dev/null || { echo "no go on PATH"; return; }
	docker info >/dev/null 2>&1 || { echo "no Docker to make an image with"; return; }
	if [ ! -x /bin/busybox ] || ldd /bin/busybox >/dev/null 2>&1; then
		echo "no static busybox for an image"
		return
	fi
	"$yolo" doctor | grep '^dagger ' | grep -q ' ready: ' || echo "no Dagger engine answers"
}

dagger_image() {
	mkdir -p "$dir/image/bin" "$dir/image/tmp"
	cp /bin/busybox "$dir/image/bin/"
	for a in $(/bin/busybox --list | grep -v -x busybox); do ln -sf busybox "$dir/image/bin/$a"; done
	tar -C "$dir/image" -c . | docker import - "$image" >/dev/null
}

dagger_repo() { # 5,000 files and the writer
	mkdir "$dir/many"
	cd "$dir/many" || return
	git init -q -b main
	git config user.name Bench
	git config user.email bench@localhost
	awk 'BEGIN { for (i = 0; i < 5000; i++) { f = sprintf("f%04d.txt", i); printf "file %d\n%0900d\n", i, i >f; close(f) } }'
	cp "$tools/emit" .
	git add -A
	git commit -qm base
}

logs_of() { find "$XDG_STATE_HOME" -path "*/many-*/races/$1/*/log" | sort; }
on() { "$yolo" run --headless --allow-unlimited --image "$image" --parallel 8 --log-limit 4g --engine "$@" 2>/dev/null; }
# From the events of a race's pipeline: milliseconds between two of them, the process's start being the plan's file.
events() { cat "$(find "$XDG_STATE_HOME" -path "*/many-*/races/$1/pipe/0/events.jsonl")"; }
born() { find "$XDG_STATE_HOME" -path "*/many-*/races/$1/pipe/0/plan.json" -printf '%T@\n' | awk '{ printf "%.0f", $1 * 1000 }'; }
# All have begun; the first may have ended since.
wait_begun() {
	for _ in $(seq 1200); do
		[ "$(rows | jq "[.rows[] | select(.race == $1 and .started != null)] | length")" -ge "$2" ] && return 0
		sleep 0.05
	done
	say "race $1 did not begin"
	return 1
}
all_running() { rows | jq "$ms [.rows[] | select(.race == $1)] | ((map(.started | ms) | max) - (map(.created | ms) | min)) | floor"; }
# Highest resident memory in MB of the pipeline and of the `dagger session` below it.
peak_mb() { awk '/^VmHWM/ { printf "%.0f", $2 / 1024 }' "/proc/$1/status" 2>/dev/null || echo null; }
pipeline_pid() { cat "$(find "$XDG_STATE_HOME" -path "*/many-*/races/$1/pipe/0/lock")"; }

lag() { # ENGINE N: puts p50 and p95 of N variants with a line every 50 ms each
	race=$(on "$1" -n "$2" -- ./emit stamps 50 1000)
	wait_running "$race" "$2"
	# shellcheck disable=SC2046 # no blanks in these
	"$tools/logmeter" lag 12 $(logs_of "$race") >"$dir/t" || true
	put "$1_lag_$2_p50_ms" "$(median <"$dir/t")"
	put "$1_lag_$2_p95_ms" "$(p95 <"$dir/t")"
	finish "$race"
}

flow() { # ENGINE N KEY BYTES CMD: puts MB/s into the logs of N variants together
	engine=$1 n=$2 key=$3 bytes=$4
	shift 4
	for _ in 1 2 3; do
		# all at the same moment, whatever lies between their starts
		at=$(($(date +%s) + 3 + 3 * n))
		race=$(on "$engine" -n "$n" -- sh -c "while [ \$(date +%s) -lt $at ]; do sleep 0.1; done; $*")
		wait_running "$race" "$n"
		# shellcheck disable=SC2046
		"$tools/logmeter" rate "$bytes" $(logs_of "$race") || true
		"$yolo" wait "$race" >/dev/null 2>&1 || true
	done >"$dir/t"
	put "${engine}_${key}_${n}_mb_s" "$(median <"$dir/t")"
}

starts() { # ENGINE: puts request to all running for 8, and from the last end to all saved
	: >"$dir/connect" && : >"$dir/collect" && : >"$dir/save"
	for _ in 1 2 3; do
		# shellcheck disable=SC2016 # for the container's shell
		race=$(on "$1" -n 8 -- sh -c 'sleep 5; echo "$YOLO_INDEX" >mine.txt')
		wait_begun "$race" 8
		all_running "$race"
		"$yolo" wait "$race" >/dev/null 2>&1 || true
		last=$(rows | jq "$ms [.rows[] | select(.race == $race)] | map(.ended | ms) | max | floor")
		echo $(($(date +%s%3N) - last)) >>"$dir/save"
		[ "$1" = dagger ] || continue
		events "$race" | jq --argjson b "$(born "$race")" 'select(.ev == "hello") | .t - $b' >>"$dir/connect"
		events "$race" | jq -s '[.[] | select(.state == "collecting")] as $c | .[] | select(.ev == "end") | . as $e |
			$e.t - ($c[] | select(.id == $e.id) | .t)' >>"$dir/collect"
	done >"$dir/t"
	put "$1_all_8_running_ms" "$(median <"$dir/t")"
	put "$1_saved_8_after_end_ms" "$(median <"$dir/save")"
	[ "$1" = dagger ] || return 0
	put dagger_connect_ms "$(median <"$dir/connect")"
	put dagger_collect_5000_files_8_at_once_ms "$(median <"$dir/collect")"
}

collect_alone() {
	for _ in 1 2 3; do
		race=$(on dagger -n 1 -- true)
		"$yolo" wait "$race" >/dev/null 2>&1 || true
		events "$race" | jq -s '([.[] | select(.ev == "end")][0].t) - ([.[] | select(.state == "collecting")][0].t)'
	done >"$dir/t"
	put dagger_collect_5000_files_ms "$(median <"$dir/t")"
}

stopping() { # ENGINE: puts the time from the request to the exit record on the host, seven others running
	race=$(on "$1" -n 8 -- sh -c 'while :; do date; sleep 0.1; done')
	wait_running "$race" 8
	for k in 2 4 6; do
		log=$("$yolo" show "$race/$k" --json | jq -r .log)
		t0=$(date +%s%N)
		"$yolo" kill "$race/$k" >/dev/null 2>&1 || true
		for _ in $(seq 1000); do
			[ "$(tail -c 32 "$log.idx" | od -An -tu1 -j28 -N1 2>/dev/null | tr -d ' ')" = 1 ] && break
			sleep 0.01
		done
		echo "$t0 $(date +%s%N)" | awk '{ printf "%.0f\n", ($2 - $1) / 1e6 }'
	done >"$dir/t"
	put "$1_kill_one_of_8_ms" "$(median <"$dir/t")"
	finish "$race"
}

memory() {
	race=$(on dagger -n 8 -- sh -c './emit each 100000; exec sleep 1000')
	wait_running "$race" 8
	# shellcheck disable=SC2046
	"$tools/logmeter" rate 10700000 $(logs_of "$race") >/dev/null || true
	pid=$(pipeline_pid "$race")
	put dagger_pipeline_peak_mb "$(peak_mb "$pid")"
	put dagger_cli_peak_mb "$(peak_mb "$(cat "/proc/$pid/task/"*/children | tr ' ' '\n' | head -n 1)")"
	finish "$race"
}

bench_dagger() {
	why=$(dagger_missing)
	[ -n "$why" ] || dagger_image || why="Docker made no image"
	if [ -n "$why" ]; then
		put dagger_skipped "\"$why\""
		return 0
	fi
	dagger_repo
	put dagger_load_before "$(cut -d' ' -f1 /proc/loadavg)"
	for e in ${BENCH_ENGINES:-dagger docker}; do
		say "$e: starts"
		starts "$e"
		say "$e: lag"
		lag "$e" 1
		lag "$e" 8
		say "$e: throughput"
		flow "$e" 1 lines 21400000 ./emit each 200000
		flow "$e" 8 lines 10700000 ./emit each 100000
		random=8388608
		[ "$e" = dagger ] || random=268435456 # less is over between two looks
		flow "$e" 1 random $random head -c $random /dev/urandom
		say "$e: kill"
		stopping "$e"
	done
	say "dagger: collecting, memory"
	collect_alone
	memory
	put dagger_load_after "$(cut -d' ' -f1 /proc/loadavg)"
	docker rmi -f "$image" >/dev/null 2>&1 || true
	cd "$dir/repo" || return
}
