#!/usr/bin/env bash
# screens.sh - golden screens of the deck: the mockups M1 to M10, sizes, 32 variants, mono, ASCII.
# shellcheck source=tests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=tests/deck/deck.sh
. "$(dirname "$0")/deck.sh"

scene m1
deck 80x24
golden m1-80x24 'Proceed'
term_keys Enter
golden m3-zoom 'following'
term_keys i
golden m3-info 'make test'
term_keys q 2 p
golden m6-promote 'y promote'
term_keys o Enter
golden m6-promote-hint 'y promotes'
term_keys q 1 x
golden m7-kill 'Files and log stay.  y/N'
term_keys n X
golden m7-kill-all 'yes/N'
term_keys n '?'
golden m9-help 'needs you  . best'
term_keys q
term_wait 'Proceed'
event '{"ev":"engine","name":"docker","away":"unix:///var/run/docker.sock: connection refused","next":"sudo systemctl start docker","since_ns":'"$((FIXTURE_NOW - 12))"'000000000}'
golden m10-away 'does not answer'
event '{"ev":"engine","name":"docker","away":null,"ready":"docker"}'
term_wait '▸ 2'
term_resize 40x10
golden m1-40x10 'codex-2'
term_resize 15x4
golden too-small 'too small'
term_resize 80x24
golden m1-80x24 'Proceed'

deck 80x24 NO_COLOR=1
golden m1-80x24 'Proceed'
unlike "$(term_screen -e)" $'\e\\[([0-9]+;)*(3[0-8]|4[0-8]|9[0-7])[;m]' 'NO_COLOR: no colour on the screen'
like "$(term_screen -e)" $'\e\\[[0-9;]*[17]' 'NO_COLOR: bold or reverse is there'
deck 80x24 YOLODECK_THEME=mono
golden m1-80x24 'Proceed'
unlike "$(term_screen -e)" $'\e\\[([0-9]+;)*(3[0-8]|4[0-8]|9[0-7])[;m]' 'theme mono: no colour on the screen'
deck 80x24 LC_ALL=C
golden ascii-80x24 'Proceed'
unlike "$SCREEN" $'[\x80-\xff]' 'without UTF-8 every byte is ASCII'
deck 80x24 YOLODECK_GLYPHS=safe
golden safe-80x24 'Proceed'

scene m2
deck 160x45
golden m2-launch-160x45 'all of|Proceed'
term_keys s
term_wait 'best first: check'
wait_for '! term_screen | tail -1 | grep -q "^ best first"'
golden m2-best-160x45 '1-6 of 6'

scene many
deck 80x24
golden many-80x24 'haiku-16'
term_keys 3 2
golden many-32-80x24 '━ 32 haiku-16'
deck 160x45
golden many-160x45 'haiku-16'

scene empty
deck 80x24
golden m8-empty 'No race yet'
term_keys '?'
golden m8-help 'LOOK'

scene_end
done_testing
