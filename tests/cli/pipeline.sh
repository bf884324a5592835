#!/bin/bash
# pipeline.sh - the recipe "change the pipeline" of CONTRIBUTING.md: template, checker, yolodeck and the manual say the same.
# shellcheck source=tests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

dir=$LIB_TOP/templates/pipeline
page=$(sed 's/\\-/-/g' "$LIB_TOP/man/yolodeck-pipeline.5")

# ---- sections and placeholders ----

sections=$(sed -n 's|^// yolodeck:begin ||p' "$dir/main.go.tmpl" | sort)
is "$sections" "$(sed -n 's|^// yolodeck:end ||p' "$dir/main.go.tmpl" | sort)" "each section of the template has its end"
is "$(sed -n '/^\.SH SECTIONS/,/^\.SH CONSTRAINTS/s/^\.B \([a-z]*\)$/\1/p' <<<"$page" | sort)" "$sections" "yolodeck-pipeline(5) has every section"
is "$(sed -n 's/^static const char \*const known\[\] = { \(.*\) };/\1/p' "$LIB_TOP/src/model/pipeline_sections.c" | grep -o '[a-z]*' | sort)" "$sections" "yolodeck knows them"
go=("$dir"/runtime/*.go "$dir"/*.tmpl)
placeholders=$(cat "${go[@]}" | grep -o '{{[a-z]*}}' | sort -u)
is "$placeholders" "$(grep -o '{{[a-z]*}}' <<<"$page" | sort -u)" "yolodeck-pipeline(5) has every placeholder"
is "$(awk '/yolodeck:begin/ { on = 1 } /yolodeck:end/ { on = 0 } /\{\{[a-z]*\}\}/ && !on' "${go[@]}")" "" "placeholders stand in sections only"
is "$(grep -l 'yolodeck:begin' "${go[@]}")" "$dir/main.go.tmpl" "sections stand in main.go only"

# ---- rules ----

while read -r rule; do
	check "yolodeck-pipeline(5) has the rule $rule" grep -q "^\.BR $rule\b" <<<"$page"
done < <(sed -n 's/^[0-9]*\. \*\*\([a-z-]*\)\*\* .*/\1/p' "$dir/CONSTRAINTS.md")

# ---- the SDK, the events ----

version=$(sed -n 's/^\tdagger.io\/dagger \(v[0-9.]*\)$/\1/p' "$dir/go.mod.tmpl")
like "$version" '^v[0-9]+\.[0-9]+\.[0-9]+$' "go.mod pins the SDK"
check "the program knows that version" grep -q "sdkVersion *= *\"$version\"" "${go[@]}"
check "go.sum has it" grep -q "^dagger.io/dagger $version h1:" "$dir/go.sum"
for ev in hello ready ack note state checkpoint end fatal bye; do
	check "yolodeck-pipeline(5) names the event $ev, and it is sent" eval "grep -q -w $ev <<<\"\$page\" && grep -q -w '\"$ev\"' $dir/runtime/*.go"
done
is "$(sed -n 's/^func \(connect\|base\|sharedSetup\|attempt\)(.*/\1/p' "$dir/main.go.tmpl" | tr '\n' ' ')" "connect base sharedSetup attempt " "main.go has the steps in their order"
lines=$(grep -cvE '^\s*(//|$)' "$dir/main.go.tmpl")
if [ "$lines" -le 110 ]; then ok "and about 100 lines of code"; else not_ok "and about 100 lines of code" "$lines"; fi
for file in plan.json events.jsonl control.jsonl pipeline.log lock; do
	check "yolodeck-pipeline(5) has $file" grep -q "^\.I $file$" <<<"$page"
done

# ---- what is rendered ----

check "CONTRIBUTING.md has the recipe" grep -q '^## Change the pipeline$' "$LIB_TOP/CONTRIBUTING.md"
if ! have_go; then
	skip "the rendered program" "no go on PATH"
	done_testing
	exit 0
fi
cd "$(toy_repo)" || exit 1
check "init" "$YOLO" init
check "it keeps to its own CONSTRAINTS.md" "$YOLO" check-pipeline
is "$(find .yolodeck/pipeline -mindepth 1 -maxdepth 1 -printf "%f\n" | LC_ALL=C sort | tr "\n" " ")" ".rendered CONSTRAINTS.md go.mod go.sum main.go runtime " "the machinery is a folder of its own"
is "$(gofmt -l .yolodeck/pipeline)" "" "it is formatted"
# Without a network it builds only where the modules were downloaded before.
cd .yolodeck/pipeline || exit 1
if ! timeout 120 go mod download 2>"$T/download"; then
	skip "go vet" "the modules cannot be had: $(tail -n 1 "$T/download")"
else
	check "go vet" env GOFLAGS=-mod=readonly GOPROXY=off GOWORK=off CGO_ENABLED=0 go vet ./...
fi
done_testing
