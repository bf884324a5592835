# deck.sh - what the deck tests share: a painted conductor (deck_fixture.c), a fixed clock, golden screens. Sourced after lib.sh.
# shellcheck shell=bash disable=SC2016,SC2034,SC2154
#
# GENERATE=1 in the environment rewrites the golden screens instead of comparing them: look at `git diff` afterwards.
export TZ=UTC FIXTURE_DIR=$T FIXTURE_NOW
FIXTURE_NOW=$(date -u -d 2026-11-24T14:02:44Z +%s)
FIXTURE=${FIXTURE:-$LIB_TOP/build/san/deck-fixture}
DECK_TOP=$LIB_TOP/tests/deck
COMMON=$T/parser/.git
make -s -C "$LIB_TOP" "SANITIZE=$([[ $FIXTURE == */san/* ]] && echo address,undefined)" "${FIXTURE#"$LIB_TOP/"}" || exit 1
mkdir -p "$COMMON"

# Serves tests/deck/scenes/NAME.json (or a path); ends the one before.
scene() {
	local file=$1
	[ -e "$file" ] || file=$DECK_TOP/scenes/$1.json
	scene_end
	rm -rf "$T/state/yolodeck" "$T/inject" "$T/requests"
	"$FIXTURE" conductor "$file" "$COMMON" 2>"$T/fixture.err" &
	SCENE_PID=$!
	wait_for '[ -S "$(echo "$T"/state/yolodeck/*/sock)" ]' || not_ok "the scene $1 is served" "$(cat "$T/fixture.err")"
}

scene_end() {
	[ -n "${SCENE_PID:-}" ] || return 0
	kill "$SCENE_PID" 2>/dev/null
	wait "$SCENE_PID" 2>/dev/null
	SCENE_PID=
}

# The deck at 14:02:44, on a terminal of this size; further words are environment for it.
deck() { # WxH [K=V...]
	local size=$1
	shift
	term_stop
	term_start "$size" env "$@" "$FIXTURE" deck "$COMMON"
	wait_for '[ -n "$(term_screen)" ]' 30
}

event() { # one JSON line to all decks
	timeout 60 sh -c 'printf "%s\n" "$1" >"$2"' - "$1" "$T/inject" || not_ok "the event reaches the conductor"
}

asked() { # the requests so far, without the reads
	grep -v -e '"op":"watch"' -e '"op":"list"' -e '"op":"show"' "$T/requests" 2>/dev/null
}

# The screen, once it shows REGEX, equals tests/deck/golden/NAME.txt. Sizes of this machine are masked.
golden() { # NAME REGEX
	local file=$DECK_TOP/golden/$1.txt got
	if ! term_wait "$2"; then
		not_ok "$1 comes up" "$SCREEN"
		return
	fi
	got=$(mask <<<"$SCREEN")
	if [ -n "${GENERATE:-}" ]; then
		printf '%s\n' "$got" >"$file"
	fi
	# the word may be on the screen before the rest of its frame is
	# shellcheck disable=SC2016 # for wait_for
	if wait_for '[ "$got" = "$(cat "$file" 2>/dev/null)" ] || { got=$(term_screen | mask) && false; }'; then
		ok "golden screen $1"
	else
		not_ok "golden screen $1" "$(diff <(printf '%s\n' "$got") "$file")"
	fi
}

mask() {
	sed -E -e 's/[0-9]+ cores  +[0-9.]+[BKMGT] free/N cores  NNG free/' -e "s#$T#/tmp/T#g" -e 's#parser-[0-9a-f]{8}#parser-12345678#'
}
