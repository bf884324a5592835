#!/bin/bash
# promote.sh - promote as a person types it: work trees whose git directory is elsewhere, the modes of what git writes, what is said of hooks and signing.
# shellcheck disable=SC2016
# shellcheck source=tests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
export YOLODECK_FAKE=1

attempt() { # COMMAND
	"$YOLO" run --engine fake --allow-unlimited -w -n 1 -- sh -c "$1" >/dev/null 2>&1
}

# ---- a git directory is no work tree ----

umask 022
cd "$T" || exit 1
git init -q --separate-git-dir="$T/sg.git" sg
cd sg || exit 1
echo 1 >f
git add -A
git commit -qm f
git worktree add -q ../wt -b wt
cd ../wt || exit 1
attempt 'mkdir hooks; printf "#!/bin/sh\n: >pwned\n" >hooks/post-checkout; chmod +x hooks/post-checkout'
before=$(git rev-parse main)
refused "into the main branch from a linked tree: refused" 1 "$YOLO" promote @best -y --into main
like "$SAID" 'cannot be found from here .*go there and promote from there' "it says where to go"
check "no hook was written to the git directory" test ! -e "$T/sg.git/hooks/post-checkout"
is "$(git rev-parse main)" "$before" "the branch is where it was"
cd "$T/sg" || exit 1
check "from the main tree it works" "$YOLO" promote @best -y --into main
check "its files are in that tree" test -x "$T/sg/hooks/post-checkout"
check "and not in the git directory" test ! -e "$T/sg.git/hooks/post-checkout"
is "$(git status --porcelain)" "" "the tree is clean"
check "undo from the other tree" sh -c 'cd ../wt && "$YOLO" undo -y'
is "$(git rev-parse main):$(ls)" "$before:f" "undone in the tree it went to"

# ---- modes ----

modes() {
	stat -c %a "$@" | paste -sd' '
}
cd "$(toy_repo)" || exit 1
attempt 'mkdir new; echo 1 >new/file; echo "# more" >>src/add.sh; git rm -q check.sh 2>/dev/null || rm check.sh'
is "$(modes .git/refs/heads/yolo .git/refs/heads/yolo/1)" "755 755" "directories of the branches are as the user has them"
check "promote under umask 022" "$YOLO" promote @best -y
is "$(modes new new/file src/add.sh)" "755 644 755" "022: new and changed files"
check "undo under umask 022" "$YOLO" undo -y
is "$(modes check.sh src/add.sh)" "755 755" "022: files that came back"
umask 002
check "promote under umask 002" "$YOLO" promote @best -y
is "$(modes new new/file src/add.sh)" "775 664 775" "002: new and changed files"
check "undo under umask 002" "$YOLO" undo -y
is "$(modes check.sh src/add.sh)" "775 775" "002: files that came back"
umask 022

# ---- what is said ----

git checkout -q --detach
refused "a detached HEAD is refused" 1 "$YOLO" promote @best -y
like "$SAID" '--into' "and --into is named"
git checkout -q main
git config commit.gpgSign true
out=$("$YOLO" promote @best --dry-run)
like "$out" 'note +commit.gpgsign is on' "the plan says that nothing is signed"
like "$("$YOLO" promote @best --dry-run --json)" '"notes":\["commit.gpgsign' "in JSON too"

done_testing
