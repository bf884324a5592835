#!/bin/sh
# run.sh - all tests, for `make test`. The last line is "N passed, N failed, N skipped"; exit 1 if anything failed.
#
# Order: what is needed, builds (plain and sanitised), then side by side lint, the unit programs and every executable
# tests/{cli,engine,deck,e2e,hostile}/*.sh, the longest first. Scripts print TAP; one may ask for more time with a line "# timeout: SECONDS" among its
# first ten. All output is kept in build/test-logs, with the seconds of each test in times.txt (elapsed, of processors, name).
# ONLY=pattern in the environment runs only what has a name that matches (a shell pattern), JOBS=n compiles with n processes,
# LANES=n runs n programs and scripts side by side (by default two for each processor, at most 8): most of them wait most of the time.
set -u
cd -- "$(dirname -- "$0")/.." || exit 1
LOGS=build/test-logs
TIMEOUT=900
JOBS=${JOBS:-$(nproc 2>/dev/null || echo 1)}
LANES=${LANES:-$((JOBS > 4 ? 8 : 2 * JOBS))}
mkdir -p "$LOGS"
[ ! -s "$LOGS/times.txt" ] || cp "$LOGS/times.txt" build/test-times
rm -rf "${LOGS:?}"/*
mkdir "$LOGS/taken"
: >"$LOGS/counts.txt"
# What belongs to the caller's make must not reach the one below.
unset MAKEFLAGS MFLAGS MAKELEVEL
LC_ALL=C.UTF-8
export LC_ALL
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=1:detect_stack_use_after_return=1}"
export LSAN_OPTIONS="suppressions=$PWD/tests/lib/lsan.supp:print_suppressions=0"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1}"

now_ms() {
	date +%s%3N
}

# $1 name, $2 passed, $3 failed, $4 skipped, $5 ms: one line, and all that was printed when something failed.
tally() {
	echo "$2 $3 $4" >>"$LOGS/counts.txt"
	printf '%-34s %4d passed %3d failed %3d skipped %6d.%d s\n' "$1" "$2" "$3" "$4" $(($5 / 1000)) $(($5 % 1000 / 100))
	[ "$3" -gt 0 ] || return 0
	sed 's/^/    /' "$LOGS/$(log_name "$1")" | tail -n 200
	why "$1" >>"$LOGS/failed.txt"
}

# What failed in the log of $1, short: the tests with what they say of it, and what sanitizers and this script added.
why() {
	awk -v name="$1" '
		/^not ok / { follows = 8; print name ": " $0; next }
		follows > 0 && /^#/ { follows--; print "    " $0; next }
		{ follows = 0 }
		/^\[ +(ERROR|FAILED|LINE) *\]/ || /(ERROR|SUMMARY|runtime error): / || /^run\.sh: / { print name ": " $0 }
	' "$LOGS/$(log_name "$1")" | cut -c 1-400 | tail -n 40
	echo "$1: the end of its log"
	tail -n 5 "$LOGS/$(log_name "$1")" | cut -c 1-400 | sed 's/^/    /'
}

log_name() {
	printf '%s.log' "$1" | tr '/ ' '--'
}

# Once more what failed: whoever sees only the end of a long output sees why.
closing() {
	if [ -s "$LOGS/failed.txt" ]; then
		echo "What failed:"
		cat "$LOGS/failed.txt"
	fi
	awk '{ p += $1; f += $2; s += $3 } END { printf "%d passed, %d failed, %d skipped\n", p, f, s; exit f > 0 }' "$LOGS/counts.txt"
	exit
}

wanted() {
	# shellcheck disable=SC2254 # the pattern is meant as one
	case $1 in
	${ONLY:-*}) return 0 ;;
	esac
	return 1
}

# A command that passes or fails as a whole. Without it the rest is pointless when $1 is "must".
step() {
	must=$1
	name=$2
	shift 2
	start=$(now_ms)
	if "$@" >"$LOGS/$(log_name "$name")" 2>&1; then
		tally "$name" 1 0 0 $(($(now_ms) - start))
	else
		tally "$name" 0 1 0 $(($(now_ms) - start))
		[ "$must" != must ] || closing
	fi
}

# Lines of a log that begin so, as a number.
count() {
	grep -c -E "$1" "$2" || :
}

# $1 name, $2 log, $3 exit code, $4 ms. Counts TAP; an early end, a wrong plan and no tests at all are failures.
tally_tap() {
	bad=$(count '^not ok ' "$2")
	skip=$(count '^ok .*# [Ss][Kk][Ii][Pp]' "$2")
	good=$(($(count '^ok ' "$2") - skip))
	plan=$(sed -n 's/^1\.\.\([0-9][0-9]*\).*/\1/p' "$2" | tail -n 1)
	if [ "$3" -eq 124 ] || [ "$3" -eq 137 ]; then
		echo "run.sh: stopped at the time limit" >>"$2"
	fi
	if [ -n "$plan" ] && [ "$plan" -ne $((good + bad + skip)) ]; then
		echo "run.sh: $plan tests planned, $((good + bad + skip)) ran" >>"$2"
		bad=$((bad + 1))
	elif [ "$bad" -eq 0 ] && { [ "$3" -ne 0 ] || [ $((good + skip)) -eq 0 ]; }; then
		echo "run.sh: ended with $3 after $((good + skip)) tests" >>"$2"
		bad=1
	fi
	tally "$1" "$good" "$bad" "$skip" "$4"
	sed -n 's/^ok [0-9]* - \(.*\) # [Ss][Kk][Ii][Pp] *\(.*\)/    skipped: \1 (\2)/p' "$2"
}

# Runs a command with a time limit and all it prints in a log; a signal to this shell ends it.
limited() { # LOG SECONDS CMD...
	log=$1
	limit=$2
	shift 2
	timeout -k 30 "$limit" "$@" >"$log" 2>&1 </dev/null &
	child=$!
	wait $child
}

run_tap() { # $1 name, $2 seconds, then the command
	name=$1
	limit=$2
	shift 2
	log=$LOGS/$(log_name "$name")
	start=$(now_ms)
	limited "$log" "$limit" "$@"
	tally_tap "$name" "$log" $? $(($(now_ms) - start))
}

# Sum of cmocka's lines "[  PASSED  ] 6 test(s)." over all groups of a program.
cmocka_sum() {
	sed -n "s/^\[  $1 *\] \([0-9][0-9]*\) test(s).*/\1/p" "$2" | awk '{ n += $1 } END { print n + 0 }'
}

run_unit() {
	name=$(name_of "$1")
	log=$LOGS/$(log_name "$name")
	start=$(now_ms)
	limited "$log" "$TIMEOUT" "$1"
	rc=$?
	good=$(cmocka_sum PASSED "$log")
	bad=$(cmocka_sum FAILED "$log")
	skip=$(cmocka_sum SKIPPED "$log")
	# A crash, a leak, a time limit: cmocka itself cannot say so any more.
	if [ "$bad" -eq 0 ] && { [ "$rc" -ne 0 ] || [ "$good" -eq 0 ]; }; then
		echo "run.sh: $1 ended with $rc" >>"$log"
		bad=1
	fi
	tally "$name" "$good" "$bad" "$skip" $(($(now_ms) - start))
	sed -n 's/^skipped: /    skipped: /p' "$log"
}

run_script() {
	name=$(name_of "$1")
	limit=$(sed -n '1,10s/^# timeout: *\([0-9][0-9]*\)$/\1/p' "$1" | head -n 1)
	run_tap "$name" "${limit:-$TIMEOUT}" "$1"
}

# ---- lanes ----

# Every unit program and script, and what tests the tests, one a line.
all_tests() {
	for src in tests/unit/test_*.c; do
		unit=${src##*/}
		echo "build/san/unit/${unit%.c}"
	done
	for script in tests/cli/*.sh tests/engine/*.sh tests/deck/*.sh tests/e2e/*.sh tests/hostile/*.sh; do
		[ ! -x "$script" ] || echo "$script"
	done
	printf '%s\n' lint lint-links lint-selftest lib-selftest
}

name_of() {
	case $1 in
	build/san/unit/test_*) echo "unit/${1##*/test_}" ;;
	*) echo "${1#tests/}" ;;
	esac
}

# Those first that took longest the last time, or by the list of the slow ones where there was none.
longest_first() {
	cat tests/times build/test-times 2>/dev/null | sed 's/^/took /' >"$LOGS/took.txt"
	while read -r test; do
		name=$(name_of "$test")
		if wanted "$name"; then echo "run $test $name"; fi
	done | cat "$LOGS/took.txt" - | awk '$1 == "took" { took[$NF] = $2; next } { print took[$3] + 0, $2 }' | sort -s -k 1,1rn | cut -d ' ' -f 2
}

run_one() {
	case $1 in
	lint) step go lint sh tests/lint/lint.sh text format shell headers modules ;;
	lint-links) step go lint-links sh tests/lint/lint.sh links ;;
	lint-selftest) run_tap lint-selftest "$TIMEOUT" sh tests/lint/selftest.sh ;;
	lib-selftest) run_tap lib-selftest "$TIMEOUT" bash tests/lib/selftest.sh ;;
	*.sh) run_script "$1" ;;
	*) run_unit "$1" ;;
	esac
}

# Takes what no other lane has taken, until all is. What is printed of one test stays together.
lane() { # NUMBER
	child=
	trap '[ -z "$child" ] || kill "$child" 2>/dev/null; exit 130' INT TERM
	nth=0
	while read -r test <&3; do
		nth=$((nth + 1))
		mkdir "$LOGS/taken/$nth" 2>/dev/null || continue
		times >"$LOGS/cpu$1.before"
		start=$(now_ms)
		run_one "$test" >"$LOGS/lane$1.out"
		times >"$LOGS/cpu$1.after"
		spent $(($(now_ms) - start)) "$LOGS/cpu$1.before" "$LOGS/cpu$1.after" "$(name_of "$test")" >>"$LOGS/times.txt"
		cat "$LOGS/lane$1.out"
		mkdir "$LOGS/taken/$nth/done"
	done 3<"$LOGS/all.txt"
}

# Seconds elapsed, seconds of processors that the children took (without those that left them), name.
spent() { # MS BEFORE AFTER NAME
	awk -v ms="$1" -v name="$4" '
		FNR == 2 { for (i = 1; i <= 2; i++) { split($i, t, "m"); s[FILENAME] += t[1] * 60 + t[2] } }
		END { printf "%.1f %.1f %s\n", ms / 1000, s[ARGV[2]] - s[ARGV[1]], name }' "$2" "$3"
}

run_lanes() {
	lanes=
	trap 'trap "" INT TERM; kill $lanes 2>/dev/null; wait; exit 130' INT TERM
	i=0
	while [ $i -lt "$LANES" ]; do
		lane $i &
		lanes="$lanes $!"
		i=$((i + 1))
	done
	wait
	i=0
	while read -r test; do
		i=$((i + 1))
		[ -d "$LOGS/taken/$i/done" ] || tally_lost "$test"
	done <"$LOGS/all.txt"
}

# A lane that died took its test with it: that is a failure.
tally_lost() {
	echo "run.sh: its lane ended before it" >"$LOGS/$(log_name "$1")"
	tally "$1" 0 1 0 0
}

if ! sh tests/deps.sh test; then
	echo "0 1 0" >>"$LOGS/counts.txt"
	closing
fi
step must build make -s -j "$JOBS" WERROR=1 all
step must build-sanitised make -s -j "$JOBS" SANITIZE=address,undefined WERROR=1 all unit
all_tests | longest_first >"$LOGS/all.txt"
run_lanes
closing
