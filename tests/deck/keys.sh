#!/usr/bin/env bash
# keys.sh - what keys do and must not do: nothing is promoted or killed by Enter, paste or type-ahead; questions name what they mean.
# shellcheck disable=SC2016 source=tests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=tests/deck/deck.sh
. "$(dirname "$0")/deck.sh"

scene m1
deck 80x24
term_shows 'the deck is up' 'Proceed'

# ---- selecting
term_keys j
term_shows 'j selects the next' '^▌  2 claude-2'
term_keys k 3
term_shows 'a number selects' '^▌  3 codex-1'
term_keys a
term_shows 'a goes to what needs you' '^▌! 4 codex-2'
term_keys Enter
term_shows 'Enter zooms' '^ 7/4 codex-2 .*\[Log\]'
term_keys K
term_shows 'K goes to the one before, inside the zoom' '^ 7/3 codex-1'
term_keys Tab
term_shows 'Tab goes to Info' 'Log  \[Info\]'
term_keys q
term_shows 'q goes one level back' '^▌  3 codex-1'

# ---- promote
term_keys 2 p
term_shows 'p shows the plan' '┌ promote 7/2 claude-2 into main'
term_keys Enter
term_shows 'Enter only says what does' 'y promotes'
term_paste y
term_shows 'a paste is no answer' 'paste ignored \(1 character\)|y promote'
term_keys q
term_shows 'q cancels' '^▌  2 claude-2'
is "$(asked | grep '"op":"promote"' | grep -c -v '"plan":true')" 0 'nothing was promoted so far'
term_type 'py'
term_shows 'what was typed before the box was seen is dropped' 'y promote'
is "$(asked | grep '"op":"promote"' | grep -c -v '"plan":true')" 0 'type-ahead did not promote'
term_keys s
wait_ok 'squash asks for a new plan' 'asked | grep -q "\"how\":\"squash\".*\"plan\":true"'
term_shows 'and shows it' '\[s\] squash'
term_keys o y
wait_ok 'y promotes exactly what was shown' 'asked | grep -v "\"plan\":true" | grep -q "\"variant\":\"7/claude-2\",\"how\":\"squash\".*\"into\":\"main\",\"token\":\"t1\",\"archive_rest\":true"'
term_keys 3 p
term_shows 'one that failed wants the capital' 'Y promote anyway'
n=$(asked | grep -c '"op":"promote"')
term_keys y
term_shows 'y is not enough there' 'Y promotes anyway'
is "$(asked | grep -c '"op":"promote"')" "$n" 'and nothing was sent'
term_keys Y
wait_ok 'Y is' 'asked | grep -v "\"plan\":true" | grep -q "\"variant\":\"7/codex-1\""'

# Where the deck was opened is known from its beginning: no git runs at a key.
mkdir "$T/nogit"
printf '#!/bin/sh\necho "$@" >>"%s/git-calls"\n' "$T" >"$T/nogit/git"
chmod +x "$T/nogit/git"
deck 80x24 PATH="$T/nogit:$PATH" FIXTURE_TOP=/src/parser
term_wait 'Proceed'
term_keys 2 p
term_shows 'p shows the plan again' '┌ promote 7/2 claude-2 into main'
like "$(asked | tail -n 1)" '"from":"/src/parser"' 'the request names the work tree'
term_keys q
is "$(cat "$T/git-calls" 2>/dev/null)" '' 'and no git process was started'
deck 80x24
term_wait 'Proceed'

# ---- kill
term_keys 1 x
term_shows 'x asks' 'kill 1 claude-1\?  running 2:31.*y/N'
term_keys Enter
term_shows 'Enter is no' 'enter zoom'
term_type 'xy'
term_shows 'type-ahead is dropped before a question' 'kill 1 claude-1\?'
is "$(asked | grep -c '"op":"kill"')" 0 'nothing was killed so far'
term_keys y
wait_ok 'y kills the one that was named' 'asked | grep -q "\"op\":\"kill\",\"variants\":\[\"7/claude-1\"\]"'
term_keys 2 x
term_shows 'an ended one is not asked about' '2 claude-2 has ended already'
term_keys 1 Space
term_keys 4 Space
term_keys x
term_shows 'x means the marked ones, and names them' 'kill 2 live: 1 claude-1  4 codex-2\?'
term_keys n X
term_shows 'X wants the word' 'kill 2 live.*yes/N'
term_paste yes
pause 0.2
term_keys Enter
term_shows 'which no paste can give' 'enter zoom'
term_keys X
term_wait 'yes/N'
term_keys y Enter
term_shows 'a half word is no' 'enter zoom'
is "$(asked | grep -c '"op":"kill"')" 1 'one kill so far'
term_keys X
term_wait 'yes/N'
term_type yes
term_keys Enter
wait_ok 'the word kills all live' 'asked | grep -q "\"variants\":\[\"7/claude-1\",\"7/codex-2\"\]"'

# ---- run again
term_keys 3 r
term_shows 'r asks, and names it' 'run 3 codex-1 again\?  y/N'
term_keys c
term_shows 'what is not offered is no' 'enter zoom'
term_keys r
term_wait 'again\?'
term_keys Enter
term_shows 'Enter is no there too' 'enter zoom'
is "$(asked | grep -c '"op":"rerun"')" 0 'nothing was run again so far'
term_keys r
term_wait 'again\?'
term_keys y
wait_ok 'y runs the one that was named' 'asked | grep -q "\"op\":\"rerun\",\"variants\":\[\"7/codex-1\"\]"'
term_keys 1 r
term_shows 'one that runs is not asked about' '1 claude-1 is still running; x kills it'

# ---- archive, undo, commands, messages
term_keys 3 z
wait_ok 'z archives' 'asked | grep -q "\"op\":\"archive\",\"variants\":\[\"7/codex-1\"\]"'
term_keys U
term_shows 'U says what it takes back' 'undo\?  takes main back from 8d11c04 to 3f2a1c9  y/N'
term_keys y
wait_ok 'and does it with the plan that was shown' 'asked | grep -q "\"op\":\"undo\".*\"token\":\"u1\""'
term_keys :
term_type lay
term_shows 'the command line shows what fits' ':lay *layout'
term_keys Enter
term_shows 'a command by a beginning of its name' 'board only'
term_keys :
term_paste layout
term_keys Enter
term_shows 'a paste reaches a text prompt' 'panes only'
term_keys b :
term_type nonsense
term_keys Enter
term_shows 'an unknown command is told' 'there is no command "nonsense"'
term_paste 'rm -rf /'
term_shows 'a paste elsewhere is ignored, and said' 'paste ignored \(8 characters\)'
term_keys m
term_shows 'm lists what was said' 'panes only'
term_keys q
term_wait '^▌'
term_keys L
term_shows 'L lists the races' '^▌ +7  fix-flaky-parser'
term_keys q

# ---- news
term_keys k
event '{"row":{"n":4,"name":"codex-2","state":"passed","sec":190,"check":"passed","passed":12,"total":12,"added":9,"removed":0,"files":1,"rev":5,"log":["done"],"exit":0}}'
term_shows 'a row changes' '4 codex-2    ✓ passed'
like "$(term_screen -e | grep '4 codex-2 .*✓' | head -n 1)" $'\e\\[([0-9;]*;)?1[;m]' 'a row whose state changed is bold'
term_keys j
wait_ok 'until the next key' '! term_screen -e | grep "4 codex-2 .*✓" | head -n 1 | grep -q "$(printf "\e\\[1m")"'

event '{"row":{"n":4,"name":"codex-2","state":"lost","sec":190,"added":9,"removed":0,"files":1,"rev":6,"log":["done"],"reason":"its container is gone"}}'
term_shows 'what is lost offers to be run again' '4 codex-2    \? lost .*r runs it again'

# ---- leaving
term_keys q
wait_ok 'q leaves' '[ "$(term_code)" = 0 ]'
wait_ok 'with 0' '[ "$(term_code)" = 0 ]'
# ---- the base moved between plan and promote
sed 's/"promote": {.*/"promote": { "err": { "code": "moved_base", "msg": "main has moved since; this is the new plan" } },/' "$DECK_TOP/scenes/m1.json" >"$T/moved.json"
scene "$T/moved.json"
deck 80x24
term_wait 'Proceed'
term_keys 2 p
term_wait 'y promote'
n=$(asked | grep -c '"plan":true')
term_keys y
term_shows 'a moved base is told' 'main has moved since'
wait_ok 'and a new plan is asked for' '[ "$(asked | grep -c "\"plan\":true")" -gt '"$n"' ]'
term_shows 'and shown' 'y promote   q cancel'
scene_end
done_testing
