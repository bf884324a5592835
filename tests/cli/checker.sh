#!/bin/bash
# checker.sh - the Go tests of templates/check, and its rules against CONSTRAINTS.md.
# shellcheck source=tests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

check_dir=$LIB_TOP/templates/check
page=$LIB_TOP/templates/pipeline/CONSTRAINTS.md

# "outside" is judged by yolodeck itself (tests/unit/test_pipeline.c), all others by the Go program.
named=$(sed -n 's/^[0-9]*\. \*\*\([a-z-]*\)\*\* .*/\1/p' "$page" | sort)
coded=$( (sed -n '/^var rules/,/}/p' "$check_dir/main.go" | grep -o '"[a-z-]*"' | tr -d '"'; echo outside) | sort)
is "$named" "$coded" "CONSTRAINTS.md has every rule and no other"
is "$(grep -c 'Wrong:' "$page")" "$(wc -l <<<"$coded")" "each has an example"
sections=$(sed -n 's/^static const char \*const known\[\] = { \(.*\) };/\1/p' "$LIB_TOP/src/model/pipeline_sections.c" | grep -o '[a-z]*' | sort)
is "$(sed -n 's/^var sectionNames.*{\(.*\)}/\1/p' "$check_dir/sections.go" | grep -o '"[a-z]*"' | tr -d '"' | sort)" "$sections" "the checker and yolodeck know the same sections"

if ! have_go; then
	skip "the Go tests" "no go on PATH"
	done_testing
	exit 0
fi
export GOFLAGS=-mod=readonly GOWORK=off GOTOOLCHAIN=local
mkdir "$T/check"
cp "$check_dir"/*.go "$T/check"
cp "$check_dir/go.mod.tmpl" "$T/check/go.mod"
cd "$T/check" || exit 1
is "$(gofmt -l .)" "" "the checker is formatted"
check "go vet" go vet .
check "go test" go test .
mkdir "$T/bad"
printf 'package main\n\nfunc init() {}\n' >"$T/bad/a.go"
go build -o check . || not_ok "go build"
is "$(./check "$T/bad" 2>&1)" "a.go:3: init: func init runs before anybody asked; call it from main" "a finding as it is printed"
./check "$T/bad" >/dev/null
is $? 1 "exit 1"
refused "a directory without Go" 2 ./check "$T"
refused "no directory" 2 ./check
done_testing
