#!/usr/bin/env bash
# life.sh - ends and returns: signals, a conductor that goes and comes, hostile bytes, a log that grows, resizing.
# shellcheck disable=SC2016 source=tests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=tests/deck/deck.sh
. "$(dirname "$0")/deck.sh"

deck_pid() {
	tm display -p -t t '#{pane_pid}'
}

# The terminal as tmux knows it: screen, cursor, paste mode.
terminal_state() {
	tm display -p -t t '#{alternate_on} #{cursor_flag}'
}

scene m1
# ---- the terminal is given back
for sig in TERM HUP SEGV ABRT; do
	term_stop
	ASAN_OPTIONS=handle_segv=0:handle_abort=0:detect_leaks=0 term_start 80x24 sh -c "stty -a >$T/before; $FIXTURE deck $COMMON; stty -a >$T/after; echo the end; exec sleep 1000"
	term_wait 'Proceed'
	is "$(terminal_state)" '1 0' "before $sig: the other screen, no cursor"
	pkill -"$sig" -P "$(deck_pid)" -x deck-fixture
	term_shows "after $sig the shell's screen is back" 'the end'
	is "$(terminal_state)" '0 1' "after $sig: cursor and screen are the shell's"
	is "$(cat "$T/after")" "$(cat "$T/before")" "after $sig: the modes of the terminal are as before"
done

# ---- the conductor goes and comes back
deck 80x24
term_wait 'Proceed'
scene_end
term_shows 'without a conductor the deck says so' '! conductor away'
like "$SCREEN" 'running\?' 'and what was live is uncertain'
like "$SCREEN" 'Proceed' 'the logs are still there'
rm "$T/inject"
"$FIXTURE" conductor "$DECK_TOP/scenes/m1.json" "$COMMON" 2>/dev/null &
SCENE_PID=$!
wait_ok 'it connects again by itself' 'term_screen | head -n 1 | grep -q "▸ 2"'
term_keys j
term_shows 'and works on' '^▌  2 claude-2'

# ---- hostile bytes
evil=$'{"row":{"n":1,"name":"claude-1","state":"running","sec":200,"check":"waiting","added":1,"removed":0,"files":1,"rev":9,
"log":["\\u001b]0;owned\\u0007title","\\u001b]52;c;cm0gLXJm\\u0007clip","\\u001b[2Jcleared","\\u202egnp.exe","zero\\u200bwidth","\\u001b[31mred\\u001b[0m","10%\\r100%"]}}'
event "${evil//$'\n'/ }"
tm pipe-pane -t t "cat >$T/raw"
term_keys C-l
term_shows 'a carriage return starts the line again' '^100%'
like "$SCREEN" 'title' 'the text around a title sequence is there'
like "$SCREEN" '<U\+202E>gnp.exe' 'a bidi override is visible'
like "$SCREEN" 'zero<U\+200B>width' 'a zero width space is visible'
unlike "$(tm display -p -t t '#{pane_title}')" owned 'no title is set'
unlike "$(tm list-buffers 2>/dev/null)" 'rm -r' 'nothing is copied'
like "$(term_screen -e | grep -a red)" $'\e\\[31mred' 'colours of a log are shown'

pause 0.3
tm pipe-pane -t t
like "$(cat -v "$T/raw")" 'cleared' 'what the deck wrote to the terminal was caught'
unlike "$(cat -v "$T/raw")" '\^\[(\]|P|_|\^|X)' 'no OSC, DCS, APC, PM or SOS among it'
unlike "$(LC_ALL=C tr -d '\n' <"$T/raw" | LC_ALL=C sed 's/[^\x80-\xff]//g')" $'\xe2\x80\xae|\xe2\x80\x8b' 'no bidi and no zero width character'

# ---- the bell, and synchronised output
: >"$T/raw"
tm pipe-pane -t t "cat >>$T/raw"
event '{"row":{"n":1,"name":"claude-1","state":"running","sec":201,"check":"waiting","added":1,"removed":0,"files":1,"rev":10,"attention":"rate limit seen","log":["x"]}}'
term_shows 'a row that begins to need a person says why' 'rate limit seen'
wait_ok 'and rings once' '[ "$(LC_ALL=C tr -cd "\a" <"$T/raw" | wc -c)" = 1 ]'
event '{"row":{"n":1,"name":"claude-1","state":"running","sec":202,"check":"waiting","added":1,"removed":0,"files":1,"rev":11,"attention":"rate limit seen again","log":["x"]}}'
term_shows 'a second word of the same' 'limit seen ag'
is "$(LC_ALL=C tr -cd '\a' <"$T/raw" | wc -c)" 1 'rings no more'
unlike "$(cat -v "$T/raw")" '2026h' 'no synchronised output unasked'
term_type $'\e[?2026;2$y'
term_keys j
wait_ok 'a terminal that has it gets every frame wrapped' 'cat -v "$T/raw" | grep -q "2026h.*2026l"'
tm pipe-pane -t t

# ---- a log that grows
dir=$(echo "$T"/state/yolodeck/*/races/7/claude-1)
term_keys 1 Enter
term_wait 'following'
seq -f 'line %g' 1 200 >>"$dir/log"
touch_index() { # an index record is what wakes the deck
	printf '\x00%.0s' {1..32} >>"$dir/log.idx"
}
touch_index
term_shows 'what is written comes by itself' '^ +line 200|line 200$'
term_keys b
term_shows 'scrolled up, it stops following' '↓ 0 new lines'
seq -f 'more %g' 1 1234 >>"$dir/log"
touch_index
term_shows 'and counts what came' '↓ 1,234 new lines'
unlike "$SCREEN" 'more 1234' 'without moving'
term_keys q
term_shows 'the pane on the deck says so too' '^↓ 1,234 new lines'
term_keys Enter
term_wait '↓ 1,234'
term_keys g
term_shows 'g goes to the beginning' '^14:02:23  x'
term_keys G
term_shows 'G follows again' 'more 1234'
like "$SCREEN" '100%  line 1,435 of 1,435' 'with the position'
term_keys w t
term_shows 'times can be left out' '^ more 1234'
term_keys q

# ---- sizes
for size in 1x1 200x60 20x5 3x40 160x45 80x24; do
	term_resize "$size"
	pause 0.1
done
term_shows 'after all sizes the screen is right' '^ enter zoom .*help'
is "$(term_screen | wc -l)" 24 'and whole'

# ---- a terminal that draws rules two cells wide
deck 80x24
term_wait '━ 1 claude-1'
term_type $'\e[1;3R'
term_shows 'its answer makes the deck use ASCII rules' '= 1 claude-1'

# ---- over ssh a frame waits for the terminal's answer
deck 80x24 SSH_CONNECTION=x
term_wait 'help'
term_keys j
term_shows 'over ssh keys work' '^▌  2 claude-2'
term_keys '?'
term_shows 'and pages come' 'IN A TEXT'
unlike "$SCREEN" '\[0n' 'the answers of the terminal are no keys'

# ---- suspending
term_stop
term_start 80x24 env PS1='sh> ' sh -i
term_wait 'sh>'
term_type "$FIXTURE deck $COMMON"
term_keys Enter
term_wait 'help'
term_keys C-z
term_shows 'ctrl-z gives the shell back' 'Stopped|Suspended'
is "$(terminal_state)" '0 1' 'with its screen and cursor'
term_type fg
term_keys Enter
term_shows 'and fg the deck' '^ enter zoom .*help'
is "$(terminal_state)" '1 0' 'on its own screen'
term_keys j
term_shows 'which hears keys' '^▌  2 claude-2'

# ---- no work when nothing happens
scene empty
deck 80x24
term_wait 'No race yet'
wakes() {
	awk '/^voluntary/ { print $2 }' "/proc/$(deck_pid)/status"
}
a=
wait_for 'a=$(wakes); pause 0.5; [ "$(wakes)" = "$a" ]'
pause 2
is "$(($(wakes) - a))" 0 'no wake-up in 2 s when nothing is live'

# ---- terminals
deck 80x24 TERM=xterm-nobody-has-this
term_shows 'an unknown kind of xterm is taken for one' 'Proceed|No race yet'
deck 80x24 TERM=vt100
term_shows 'a vt100 is enough' 'No race yet'
for term in vt100 linux; do # these have no second screen
	term_stop
	term_start 80x24 env PS1='sh> ' TERM=$term sh -i
	term_wait 'sh>'
	term_type "$FIXTURE deck $COMMON"
	term_keys Enter
	term_wait 'q leave'
	term_keys q
	term_shows "$term: the prompt has the footer's line for itself" '^sh> *$'
done
deck 80x24 TERM=nonsense
term_shows 'an unknown terminal is a sentence' 'yolodeck ls. works on it'
deck 80x24 TERM=dumb
term_shows 'so is a dumb one' 'yolodeck ls'

# ---- no terminal
refused 'without a terminal a sentence' 1 "$FIXTURE" deck "$COMMON"
like "$SAID" 'needs a terminal' 'that says what works'
scene_end
done_testing
