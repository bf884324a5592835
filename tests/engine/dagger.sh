#!/bin/bash
# dagger.sh - the suite that every engine passes (tests/unit/test_engine.c), on a real Dagger engine.
# timeout: 3000
# shellcheck source=tests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=tests/lib/dagger.sh
. "$(dirname "$0")/../lib/dagger.sh"

PROGRAM=$LIB_TOP/build/san/unit/test_engine
[ -x "$PROGRAM" ] || skip_all "$PROGRAM is not built"
YOLO_TEST_IMAGE=$IMAGE "$PROGRAM" dagger >"$T/out" 2>&1
CODE=$?
while read -r line; do
	case $line in
	"[       OK ] "*) ok "${line#*] }" ;;
	"[  FAILED  ] "*": "* | "[  FAILED  ] "*"test(s)"*) ;;
	"[  FAILED  ] "*) not_ok "${line#*] }" ;;
	skipped:*) echo "# $line" ;;
	esac
done < <(tr -d '\0' <"$T/out")
is "$CODE" 0 "it ends well" || sed 's/^/# /' "$T/out" | tail -n 40
done_testing
