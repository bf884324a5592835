#!/usr/bin/env bash
# rerun.sh - variants run again after each of their ends, from the base and from their work, on every engine; entering one that runs.
# timeout: 1500
# The dollars belong to the commands of the variants.
# shellcheck disable=SC2016
# shellcheck source=tests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

cd "$(toy_repo)" || exit 1
export YOLODECK_FAKE=1

field() { # V KEY
	"$YOLO" show "$1" --json | tr -d '\n' | sed -n 's/.*"row":[^{]*{[^}]*"'"$2"'":[[:space:]]*"\{0,1\}\([^",}]*\).*/\1/p'
}

state_of() {
	"$YOLO" ls --all 2>/dev/null | awk -v v="$2" -v r="$1" '$1 == "race" { on = $2 == r } on { for (i = 1; i <= 3; i++) if ($i == v) { print $(i + 1); exit } }'
}

# 1 adds a line to a file, 2 fails, 3 runs until it is told to end or killed.
work='echo "I am $YOLO_VARIANT $YOLO_INDEX $K"
case $YOLO_VARIANT in
*-1*) echo line >>lines; wc -l <lines ;;
*-2*) echo tried >tried; echo no; exit 3 ;;
*) while [ ! -e stop ]; do sleep 0.05; done; rm stop; echo told ;;
esac'

enter() { # ENGINE RACE
	local v=$2/t-3 out rc
	is "$("$YOLO" exec "$v" -- sh -c 'printf "%s|" "$@"' x 'a b' '$(id)' '`id`;"' "it's" 2>&1)" "a b|\$(id)|\`id\`;\"|it's|" "$1: exec hands words on as they are"
	is "$("$YOLO" exec "$v" -- sh -c 'echo $K/$YOLO_VARIANT/$YOLO_RACE' 2>&1)" "some thing/t-3/$2" "$1: with the environment of the variant"
	is "$(printf 'in\n' | "$YOLO" exec "$v" -- cat 2>&1)" in "$1: its input is ours"
	"$YOLO" exec "$v" -- sh -c 'exit 37' >/dev/null 2>&1
	is $? 37 "$1: its exit code is passed on"
	"$YOLO" exec "$v" -- /no/such/program >"$T/out" 2>&1
	rc=$?
	like "$rc $(cat "$T/out")" '^12[67] .*no/such/program' "$1: a program that is not there is told"
	if [ "$1" = fake ]; then
		like "$("$YOLO" exec "$v" -- pwd)" '/t-3/work$' "$1: in work/"
	else
		is "$("$YOLO" exec "$v" -- sh -c 'pwd; echo $HOME' | tr '\n' ' ')" '/work /home/yolo ' "$1: in /work, with its home"
		out=$("$YOLO" exec "$v" -- sh -c 'id -u; grep CapEff /proc/self/status; touch /work/mine; stat -c %u /work/mine /work/README.md; rm /work/mine' | tr '\n' ' ')
		like "$out" '^([0-9]+) CapEff:[^0-9a-f]*0+ ([0-9]+) ([0-9]+) $' "$1: as a user without capabilities"
		is "${BASH_REMATCH[1]} ${BASH_REMATCH[2]}" "${BASH_REMATCH[3]} ${BASH_REMATCH[3]}" "$1: who is that of the command's files"
	fi
	refused "$1: a shell needs a terminal" 2 "$YOLO" shell "$v"
	refused "$1: exec wants a command" 2 "$YOLO" exec "$v"
	refused "$1: one that ended cannot be entered" 1 "$YOLO" exec "$2/t-2" -- true
	like "$SAID" "has ended \(failed\).*rerun $2/t-2" "$1: and what to do is said"
}

on_terminal() { # ENGINE RACE
	term_start 80x24 env yolodeck shell "$2/t-3"
	term_wait '[$#] ?$' || not_ok "$1: the shell has a prompt" "$(term_screen)"
	term_type 'echo "$K"@$(basename $PWD)@${TERM%%-*}; stty size'
	term_keys Enter
	term_shows "$1: a shell on the terminal" '^some thing@work@(xterm|tmux)'
	term_shows "$1: which has a size" '^24 80$'
	term_type 'sleep 1000; echo after'
	term_keys Enter
	pause 0.3
	term_keys C-c
	pause 0.1
	term_type 'echo still "$((40 + 2))"'
	term_keys Enter
	term_shows "$1: ctrl-c ends what runs in it, not the shell" '^still 42'
	term_type 'exit 5'
	term_keys Enter
	wait_ok "$1: it ends with the shell's code" '[ "$(term_code)" = 5 ]'
	term_stop
}

# A program that stays behind and types into the terminal it was started on: ours, if it were the one.
types() { # ENGINE RACE
	cat >"$T/type.pl" <<'PERL'
$SIG{HUP} = "IGNORE";
exit if fork;
select undef, undef, undef, 0.3;
my $typed = 1;
ioctl(STDIN, 0x5412, my $c = $_) or $typed = 0 for split //, "touch $ARGV[0]\n";
open my $f, ">", "$ARGV[1]";
print $f $typed ? "typed\n" : "refused: $!\n";
PERL
	"$YOLO" exec "$2/t-3" -- sh -c 'cat >/tmp/type.pl' <"$T/type.pl"
	term_start 80x24 bash --norc
	term_wait '[$#] ?$'
	term_type "yolodeck shell $2/t-3"
	term_keys Enter
	term_wait 'bash-|^[$#] ?$'
	term_wait '[$#] ?$'
	term_type "echo in the box; perl /tmp/type.pl $T/typed /tmp/done; exit"
	term_keys Enter
	wait_ok "$1: what stayed behind tried" '[ -e '"$state/races/$2"'/t-3/tmp/done ]'
	term_type 'echo outside $((40 + 2))'
	term_keys Enter
	term_wait '^outside 42'
	[ ! -e "$T/typed" ] && ! grep -q 'touch' <<<"$(term_screen | sed '1,/^exit/d')"
	is $? 0 "$1: and could not type into our terminal"
	term_type "perl $T/type.pl $T/typed $T/done"
	term_keys Enter
	wait_for '[ -s "$T/done" ]'
	if grep -q typed "$T/done"; then
		wait_ok "$1: which it can where it is its own" '[ -e "$T/typed" ]'
	else
		skip "$1: which it can where it is its own" "no TIOCSTI here ($(cat "$T/done"))"
	fi
	rm -f "$T/typed" "$T/done"
	term_stop
}

# In the deck: a program that leaves the terminal in a bad state, and the screen that comes back.
in_deck() { # ENGINE RACE
	term_start 100x30 env yolodeck
	term_wait 't-3 .*running'
	term_keys 2 '!'
	term_shows "$1: ! on one that ended says so" 't-2 has ended \(failed\), and its container with it; r runs it again'
	term_keys 3
	term_wait '^▌.*3 t-3'
	term_keys '!'
	term_wait '[$#] ?$'
	term_type "printf '\\033[?1000h\\033[?1049h\\033[41m\\033[5;10r\\033[?7l\\033(0\\033]0;x'; stty raw -echo; exit"
	term_keys Enter
	term_shows "$1: ! comes back to the deck" ' toy +race '"$2"' '
	term_shows "$1: whose screen is right" '^▌ +3 t-3 +▸ running'
	term_keys j '?'
	term_shows "$1: and whose keys work" 'IN A TEXT'
	term_keys q
	# r, for the one that failed
	term_keys 2 r
	term_shows "$1: r asks, and offers to go on from the work" 'run 2 t-2 again\?  c goes on from its work.  y/c/N'
	term_keys Enter
	term_shows "$1: Enter is no" 'enter zoom'
	term_keys 3 r
	term_shows "$1: one that runs is not asked about" '3 t-3 is still running; x kills it'
	term_keys 2 r
	term_wait 'y/c/N'
	term_keys y
	term_shows "$1: y runs it again, on the same board" ' 4 t-2.2 +. failed'
	term_keys 1 r
	term_wait 'y/c/N'
	term_keys c
	term_shows "$1: c goes on" ' 5 t-1.2 +. passed'
	term_keys 5 i
	term_shows "$1: Info names the origin" 'again +goes on from the work of t-1'
	term_keys q q
	wait_ok "$1: q leaves" '[ "$(term_code)" = 0 ]'
	term_stop
}

again() { # ENGINE RACE
	local r=$2 sum n
	sum=$(sha256sum <"$state/races/$r/race.json")
	n=$("$YOLO" rerun "$r/t-1" "$r/t-2" "$r/t-3" --json | tr -d ' \n' | grep -o '"rerun":\[[^]]*\]')
	is "$n" "\"rerun\":[\"$r/t-1.3\",\"$r/t-2.3\",\"$r/t-3.2\"]" "$1: all three again, each with the next free name"
	kill -9 "$(conductor_pid "$state")"
	wait_ok "$1: after kill -9 of the conductor the first one ends" '[ "$(state_of '"$r"' t-1.3)" = passed ]'
	wait_ok "$1: the second" '[ "$(state_of '"$r"' t-2.3)" = failed ]'
	wait_ok "$1: the third runs" '[ "$(state_of '"$r"' t-3.2)" = running ]'
	is "$("$YOLO" log "$r/t-1.3")" "I am t-1.3 6 some thing"$'\n'1 "$1: its command ran once, from the base"
	is "$(git rev-list --count "main..yolo/$r/t-1.3")" 1 "$1: one commit"
	is "$(sha256sum <"$state/races/$r/race.json")" "$sum" "$1: race.json is as it was"
	"$YOLO" exec "$r/t-3.2" -- touch stop
	wait_ok "$1: it passed where the first was killed" '[ "$(state_of '"$r"' t-3.2)" = passed ]'
}

go_on() { # ENGINE RACE
	local r=$2
	check "$1: --continue --wait" "$YOLO" rerun "$r/t-1.2" --continue --wait
	is "$(git rev-list --count "main..yolo/$r/t-1.4")" 3 "$1: one commit more, on its origin's"
	is "$(git rev-parse "yolo/$r/t-1.4^")" "$(git rev-parse "yolo/$r/t-1.2")" "$1: which stays where it is"
	is "$(git show "yolo/$r/t-1.4:lines" | wc -l | tr -d ' ')" 3 "$1: with its files"
	is "$(field "$r/t-1.4" added)" 3 "$1: counted against the base of the race"
	"$YOLO" rerun "$r/t-2" --wait >/dev/null 2>&1
	is $? 1 "$1: --wait tells that it did not pass"
	check "$1: promote takes both commits" "$YOLO" promote "$r/t-1.4" --merge -y
	is "$(git rev-list --count "$base..main")" 4 "$1: and its merge is one more"
	check "$1: undo" "$YOLO" undo -y
	is "$(git rev-parse main)" "$base" "$1: and all is back"
}

# Its container goes away without a word.
lose() { # ENGINE RACE
	local r=$2 v
	v=$("$YOLO" rerun "$r/t-3" --json | grep -o "$r/t-3\.[0-9]*")
	wait_ok "$1: one more runs" '[ "$(state_of '"$r"' '"${v#*/}"')" = running ]'
	"$YOLO" exec "$v" -- sh -c 'echo kept >kept'
	case $1 in
	docker) docker rm -f "$("$YOLO" show "$v" --json | tr -d ' \n' | grep -o '"container":"[^"]*"' | cut -d'"' -f4)" >/dev/null ;;
	*) kill -9 "$(field "$v" engine_id | cut -d: -f1)" ;;
	esac
	wait_ok "$1: it is lost" '[ "$(state_of '"$r"' '"${v#*/}"')" = lost ]'
	like "$("$YOLO" ls)" "${v#*/} +lost .*yolodeck rerun. runs it again" "$1: and rerun is offered"
	check "$1: it goes on from what was saved" "$YOLO" rerun "$v" --continue
	wait_for '[ "$(state_of '"$r"' t-3.4)" = running ]'
	is "$("$YOLO" exec "$r/t-3.4" -- cat kept)" kept "$1: its files are there"
	if [ "$1" != fake ]; then
		is "$("$YOLO" exec "$r/t-3.4" -- git rev-parse HEAD)" "$(git rev-parse "yolo/$v")" "$1: HEAD inside is the commit it goes on from"
		is "$("$YOLO" exec "$r/t-3.4" -- sh -c 'git status --porcelain; git log --oneline | wc -l; git fsck 2>&1 | grep -c error' | tr -d ' ' | tr '\n' ' ')" "1 0 " "$1: git works there"
	fi
}

one_engine() { # ENGINE
	local race
	race=$("$YOLO" run --engine "$1" --allow-unlimited --network none -n 3 --parallel 3 --name t --env K='some thing' -d -- sh -c "$work" 2>"$T/err") || {
		not_ok "$1: the race starts" "$(cat "$T/err")"
		return
	}
	base=$(git rev-parse main)
	state=$(state_dir)
	wait_ok "$1: the first has passed" '[ "$(state_of '"$race"' t-1)" = passed ]'
	wait_ok "$1: the second has failed" '[ "$(state_of '"$race"' t-2)" = failed ]'
	wait_ok "$1: the third runs" '[ "$(state_of '"$race"' t-3)" = running ]'
	refused "$1: what runs is not run again" 1 "$YOLO" rerun "$race/t-3"
	like "$SAID" "$race/t-3 is still running: wait for its end or kill it" "$1: and why"
	enter "$1" "$race"
	on_terminal "$1" "$race"
	[ "$1" = fake ] || types "$1" "$race"
	in_deck "$1" "$race"
	"$YOLO" kill "$race/t-3" >/dev/null
	wait_ok "$1: the race is over" '[ "$(state_of '"$race"' t-3)" = killed ]'
	again "$1" "$race"
	go_on "$1" "$race"
	lose "$1" "$race"
	"$YOLO" kill --race "$race" >/dev/null
	wait_for '! "$YOLO" ls | grep -q -e running -e saving'
}

one_engine fake
if have_bwrap; then one_engine local; else skip "local" "bwrap does not work here"; fi
if have_docker; then one_engine docker; else skip "docker" "no Docker daemon"; fi
done_testing
