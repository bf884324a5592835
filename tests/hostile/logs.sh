#!/bin/bash
# logs.sh - what a log, a diff or a name may do to a terminal, and what becomes of floods.
# timeout: 1500
# The dollars belong to the commands of the variants.
# shellcheck disable=SC2016,SC1003,SC2059
# shellcheck source=tests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

"${CC:-cc}" -O2 -o "$T/allow" "$LIB_TOP/tests/hostile/allow.c" || skip_all "no C compiler"
command -v script >/dev/null || skip_all "no script(1)"
if have_bwrap; then
	engine=local
elif have_docker; then
	engine=docker
else
	skip_all "neither bubblewrap nor Docker here"
fi

# Every way to do something to a terminal, each cut at several places by a line's end and by nothing.
corpus() {
	local s
	for s in '\e]52;c;aGFja2Vk\a' '\e]52;c;aGFja2Vk\e\\' '\e]0;hacked\a' '\e]2;hacked\e\\' '\e]8;;file:///etc/passwd\e\\link\e]8;;\e\\' '\ePq#0;2;0;0;0#0~~\e\\' \
		'\eP$q"p\e\\' '\eP+q544e\e\\' '\e[c' '\e[>c' '\e[5n' '\e[6n' '\e[?6n' '\e[21t' '\e[20t' '\e[8;1;1t' '\e[3;0;0t' '\e]4;1;?\a' '\e]10;?\a' '\e]50;?\a' '\e]1337;File=:AA\a' \
		'\e[?1049h' '\e[?1000h' '\e[?2004h' '\e[2J' '\e[H' '\e[999;999H' '\e[1;1r' '\e[4h' '\e[20h' '\ec' '\e#8' '\e(0' '\e)0' '\eN' '\eO' '\eZ' '\e\\' '\e^pm\e\\' '\e_apc\e\\' \
		'\eXsos\e\\' '\e%%G' '\e%%@' '\e=' '\e>' '\e7' '\e8' '\x0e' '\x0f' '\x05' '\x07' '\x7f' '\x00' '\x1a' '\x18' '\x9b31m' '\x9d52;c;aGFja2Vk\x9c' '\x90q\x9c' '\x84\x85\x88\x8d' \
		'\xc2\x9b6n' '\xc2\x9d0;hacked\xc2\x9c' '\xc2\x90x\xc2\x9c' '\u202e' '\u202d' '\u2066' '\u2069' '\u200b' '\u200d' '\u200e' '\ufeff' '\u00ad' '\u3164' '\u115f' '\ue000' '\u2028' \
		'\u061c' '\u180e' '\ufff9' '\xf3\xa0\x81\x81' '\xf4\x80\x80\x80' '\xc0\xaf' '\xed\xa0\x80' '\xf4\x90\x80\x80' '\xff\xfe' '\xe2\x80' \
		'a\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308' '\e[38:2:1:2:3:4:5:6:7:8:9:10:11:12:13:14:15:16:17:18m' '\e[99999999999999999999m' '\e[;;;;;;;;;;;;;;;;;;;;;;;;;;m' '\e[31' '\e[' '\e'; do
		printf "before $s after\n$s\n\ex$s"
		printf "$s" | head -c 3
		printf '\n'
	done
}
corpus >"$T/corpus"
head -c 300000 /dev/urandom >"$T/random"
cd "$(toy_repo)" || exit 1
cp "$T/corpus" corpus.txt
cp "$T/random" random.bin
git add . && git commit -q -m "Add what the variants print"

# All that the command writes to a terminal of its own.
on_terminal() { # FILE CMD...
	local file=$1
	shift
	script -qefc "$(printf '%q ' "$@")" /dev/null >"$file" 2>&1 </dev/null
}

clean() { # TEXT FILE [KIND]
	local out
	if out=$("$T/allow" "${3:-log}" <"$2"); then
		if [ "$(wc -c <"$2")" -lt 20 ]; then not_ok "$1" "nothing was written"; else ok "$1"; fi
	else
		not_ok "$1" "$out"
	fi
}

# ---- bytes ----

bidi=$(printf 'x\342\200\256gpj.\033]0;hacked\007exe')
{
	printf '{ "engine": "%s", "network": "none", "parallel": 2, "variants": [\n' $engine
	printf '{ "name": "all", "command": %s },\n' "$(json_to_str 'cat corpus.txt; cat corpus.txt >&2; cp corpus.txt new.txt; printf "\033]0;x\007\n\342\200\256rtl\n" >>README.md; touch "$(printf "a\342\200\256b")"
mkdir "$(printf "d\302\233c")"; touch "$(printf "d\302\233c/e")"')"
	printf '{ "name": "noise", "command": "cat random.bin; tr \\"\\\\000-\\\\377\\" \\"\\\\377-\\\\000\\" <random.bin 2>/dev/null; cp random.bin again.bin" },\n'
	printf '{ "name": "line", "command": "head -c 50000000 /dev/zero | tr \\"\\\\0\\" x; printf \\"\\\\033]0;hacked\\\\007\\"; head -c 1000 /dev/zero | tr \\"\\\\0\\" y; echo; echo last; echo x >>README.md" } ] }\n'
} >"$T/race.json"
"$YOLO" run -f "$T/race.json" --allow-unlimited --wait >"$T/out" 2>"$T/err"
is $? 0 "the race ends" || cat "$T/out" "$T/err"
dir=$(state_dir)/races/1
"$YOLO" log all >"$T/got"
check "piped, a log is byte for byte what was kept" cmp "$T/got" "$dir/all/log"
check "what was kept is what was printed" cmp <(sort "$dir/all/log") <(sort "$T/corpus" "$T/corpus")
on_terminal "$T/tty" cat "$dir/all/log"
"$T/allow" log <"$T/tty" >"$T/control"
is $? 1 "control: cat of the same log is found out"
like "$(cat "$T/control")" 'an escape sequence' "control: by its escape sequences"
for v in all noise line; do
	on_terminal "$T/tty" "$YOLO" log $v
	clean "log $v on a terminal" "$T/tty"
	on_terminal "$T/tty" "$YOLO" log -t $v
	clean "log -t $v on a terminal" "$T/tty"
	on_terminal "$T/tty" "$YOLO" log -n 5 $v
	clean "log -n 5 $v on a terminal" "$T/tty"
	for verb in show diff "diff --stat"; do
		# shellcheck disable=SC2086 # words
		on_terminal "$T/tty" "$YOLO" $verb $v
		clean "$verb $v on a terminal" "$T/tty"
	done
	on_terminal "$T/tty" "$YOLO" promote $v --dry-run
	clean "promote --dry-run $v on a terminal" "$T/tty"
done
for verb in ls report status "run --base $bidi -- true" "show $bidi" "$bidi" "log all -n $bidi" "run --image $bidi --engine $engine -- true" "run --env $bidi -- true" \
	"run --agent $bidi -- true" "wait $bidi" "run -f /tmp/$bidi" "promote all --into $bidi" "run --mount /$bidi -- true"; do
	# shellcheck disable=SC2086 # words
	on_terminal "$T/tty" "$YOLO" $verb
	clean "on a terminal: ${verb//[^ -~]/?}" "$T/tty"
done
# A race that names itself and its programs so.
printf '{ "name": "n\\u001b]0;x\\u0007\\u202e", "engine": "%s", "command": "true # \\u001b]52;c;eA==\\u0007 \\u202e" }\n' $engine >"$T/named.json"
on_terminal "$T/tty" "$YOLO" run -f "$T/named.json" --allow-unlimited --wait
clean "a hostile race file on a terminal" "$T/tty"

# ---- the deck ----

deck() { # FILE KEYS...
	local file=$1 k
	shift
	term_start 110x40 sh -c 'read -r go; exec "$0"' "$YOLO"
	tm pipe-pane -t t "cat >$file"
	term_keys Enter
	term_wait 'VARIANT' || return
	for k; do
		term_keys "$k"
		wait_for 'last=${now:-}; pause 0.15; now=$(term_screen); [ "$now" = "$last" ]'
	done
	term_keys Q
	wait_for '[ -n "$(term_code)" ]'
	term_stop
}
tm_cat() {
	term_start 110x40 sh -c 'read -r go; cat "$0"' "$dir/all/log"
	tm pipe-pane -t t "cat >$T/deck"
	term_keys Enter
	wait_for '[ -n "$(term_code)" ]'
	term_stop
}
tm_cat
"$T/allow" deck <"$T/deck" >"$T/control"
is $? 1 "control: on the deck's own terminal, too, cat is found out"
"$YOLO" archive --race 2 >/dev/null 2>&1
deck "$T/deck" 1 Enter g Space Space Space t w e E Tab Space ] Space Tab Tab q 2 Enter g Space t Tab Space q 3 Enter g w l l G d q q i q m q p q '?' q
clean "the deck over all of it" "$T/deck" deck
check "the deck showed the logs" grep -q -a 'before' "$T/deck"

# ---- floods ----

# Every byte is either kept or counted, and the command is not slowed down by a full log.
flood() { # ENGINE
	local race log gap idx
	race=$("$YOLO" run --engine "$1" --network none --allow-unlimited --log-limit 4m --timeout 200s -d -- \
		sh -c 'dd if=/dev/zero bs=1M count=2000 2>/dev/null | tr "\0" "\n"; echo done >finished' 2>/dev/null)
	"$YOLO" wait "$race" >/dev/null
	is $? 0 "$1: 2 GB of log: the command ends by itself"
	log=$(state_dir)/races/$race/dd/log
	[ -f "$log" ] || log=$(echo "$(state_dir)/races/$race"/*/log)
	idx=$log.idx
	is "$(($(stat -c %s "$log") + $(stat -c %s "$idx") <= 4 << 20))" 1 "$1: log and index stay below the limit"
	is "$(($(stat -c %s "$log") > 3 << 20))" 1 "$1: and use it"
	is "$(stat -c %b "$idx" | awk '{ print $1 <= 1024 }')" 1 "$1: the index is small"
	"$YOLO" log -t "$race/1" | tail -n 40 >"$T/tail"
	# the gap is told in doubling steps
	gap=$(od -An -v -t u8 -w32 "$idx" | awk '{ kind = int($4 / 4294967296) % 256; if (kind == 2) n += $3 } END { printf "%.0f\n", n }')
	is "$((gap + $(stat -c %s "$log")))" "$((2000 << 20))" "$1: kept and not kept are all that was written"
	like "$(cat "$T/tail")" 'log limit' "$1: log -t tells of the limit"
	term_start 110x40 "$YOLO"
	term_wait 'VARIANT'
	term_keys Enter i
	term_shows "$1: Info counts them" "not kept +$gap bytes"
	term_stop
	"$YOLO" archive "$race/1" >/dev/null
}
"$YOLO" archive --race 1 >/dev/null 2>&1
! have_bwrap || flood local
! have_docker || flood docker
done_testing
