#!/usr/bin/env bash
# kill9.sh - conductor and deck are killed with -9 in the middle of races that write fast: every line once, right ends, one container each.
# timeout: 1500
# The dollars belong to the commands of the variants.
# shellcheck disable=SC2016
# shellcheck source=tests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

cd "$(toy_repo)" || exit 1

# Splits a log by its index into LOG.1 and LOG.2, one for each stream; prints "bytes of the log, bytes told, exit code, gaps".
split_log() { # LOG
	perl -e 'my $log = $ARGV[0]; my ($end, $told, $exit, $gaps) = (-s $log, 0, "none", 0);
		open my $l, "<:raw", $log or die; open my $x, "<:raw", "$log.idx" or die;
		open my $o1, ">:raw", "$ARGV[1].1" or die; open my $o2, ">:raw", "$ARGV[1].2" or die;
		while (read($x, my $r, 32) == 32) {
			my ($off, $ns, $val, $len, $kind, $stream) = unpack "Q<Q<Q<L<CC", $r;
			if ($kind == 0) { die "bytes out of order at $off\n" if $off != $told; read $l, my $b, $len;
				print { $stream == 2 ? $o2 : $o1 } $b; $told += $len; }
			$exit = $exit eq "none" ? $len : "twice" if $kind == 1;
			$gaps++ if $kind == 2;
		}
		print "$end $told $exit $gaps\n"' "$1" "$2" 2>&1
}

bytes() { # of all logs of the race
	cat "$state"/races/"$race"/*/log 2>/dev/null | wc -c
}

# Kills the conductor once the logs have so many bytes.
shoot() { # TEXT BYTES
	local pid
	wait_for '[ "$(bytes)" -ge '"$2"' ]' || not_ok "$1: the logs grow" "$(bytes) bytes, wanted $2"
	pid=$(conductor_pid "$state")
	[ "$("$YOLO" status | sed 's/.*>\([0-9]*\).*/\1/')" -gt 0 ] || not_ok "$1: in the middle of the race" "$("$YOLO" ls)"
	if kill -9 "$pid" && wait_for '[ ! -e /proc/'"$pid"' ]'; then
		ok "$1 at $(bytes) bytes"
	else
		not_ok "$1" "pid $pid"
	fi
}

race_on() { # ENGINE VARIANTS LINES PAUSE, in seconds after each 250 lines
	local engine=$1 n=$2 lines=$3 total id v i events pid
	total=$((n * lines * 2 * 13))
	seq -f 'out %06g .' 1 "$lines" >"$T/want.1"
	seq -f 'err %06g .' 1 "$lines" >"$T/want.2"
	# a stream: the daemon's memory of past events is short when other tests use it too
	[ "$engine" != docker ] || docker events --filter type=container --filter event=create \
		--format '{{index .Actor.Attributes "yolodeck.repo"}} {{.Actor.Attributes.name}}' >"$T/events" &
	events=$!
	race=$("$YOLO" run --engine "$engine" --allow-unlimited --network none -n "$n" --parallel "$n" --name storm -d -- perl -e '
		$| = 1; binmode STDERR; for my $i (1 .. '"$lines"') {
			syswrite STDOUT, sprintf("out %06d .\n", $i); syswrite STDERR, sprintf("err %06d .\n", $i);
			select undef, undef, undef, '"$4"' unless $i % 250;
			select undef, undef, undef, 0.02 while $i == int('"$lines"' * 0.4) && ! -e "go";
		} exit $ENV{YOLO_INDEX};' 2>"$T/err") || {
		not_ok "$engine: the race starts" "$(cat "$T/err")"
		return
	}
	state=$(state_dir)
	id=$(head -n 1 "$state/repo")
	shoot "$engine: conductor killed" $((total / 8))

	# A deck brings a new conductor by itself; then it dies, and the conductor again, with nobody watching.
	term_start 100x30 env yolodeck
	term_shows "$engine: a new deck shows all as running" 'storm-1 .*running'
	term_wait '(out|err) [0-9]{6}'
	pid=$(term_pid)
	kill -9 "$pid"
	wait_ok "$engine: deck killed" '[ "$(term_code)" != "" ] || [ ! -e /proc/'"$pid"'/exe ]'
	term_stop
	shoot "$engine: conductor killed again" $((total / 3))
	is "$(conductor_pid "$state")" "" "$engine: nobody is there now"
	# However slow this machine is, most is still to be written: no log gets further than 40 % before.
	out=$(bytes)
	for v in "$state"/races/"$race"/*/work; do : >"$v/go"; done
	wait_ok "$engine: the logs go on without a conductor" '[ "$(bytes)" -gt $(('"$out"' + 10000)) ]'

	"$YOLO" wait "$race" >"$T/wait" 2>&1
	is $? 1 "$engine: wait with a new conductor, all failed as they said"
	out=$("$YOLO" ls --json)
	for ((v = 1; v <= n; v++)); do
		i=$state/races/$race/storm-$v/log
		is "$(split_log "$i" "$T/got")" "$((lines * 26)) $((lines * 26)) $v 0" "$engine: storm-$v: all bytes told in order, exit $v once, no gap"
		if cmp -s "$T/want.1" "$T/got.1" && cmp -s "$T/want.2" "$T/got.2"; then
			ok "$engine: storm-$v: every line once and in order on both streams"
		else
			not_ok "$engine: storm-$v: every line once and in order" "$(diff "$T/want.1" "$T/got.1" | head -5)" "$(diff "$T/want.2" "$T/got.2" | head -5)"
		fi
		like "$("$YOLO" show "$race/$v")" "reason +exit $v( |"$'\n'"|\$)" "$engine: storm-$v says exit $v"
		is "$(git rev-parse --verify -q "yolo/$race/storm-$v^")" "$(git rev-parse HEAD)" "$engine: storm-$v has its branch"
	done
	"$YOLO" log "$race/1" >"$T/got"
	check "$engine: yolodeck log gives the same bytes" cmp "$T/got" "$state/races/$race/storm-1/log"
	if [ "$engine" = docker ]; then
		kill "$events" 2>/dev/null
		is "$(grep -c "^$id " "$T/events") $(grep "^$id " "$T/events" | sort -u | wc -l)" "$n $n" "docker: one container a variant was ever made"
		wait_ok "docker: none is left" '[ -z "$(docker ps -aq --filter label=yolodeck.repo='"$id"')" ]'
	else
		wait_ok "local: no sandbox is left" '[ -z "$(lib_sandboxes)" ]'
	fi
}

if have_docker; then
	race_on docker 8 50000 0.08
else
	skip 'kill -9 in a race on docker' 'no docker daemon'
fi
if have_bwrap; then
	race_on local 3 10000 0.25
else
	skip 'kill -9 in a race on local' 'no bubblewrap'
fi
done_testing
