#!/bin/bash
# walls.sh - what a command tries from inside of docker and local: the host's sockets, files, keys and processes, its own log and exit.
# timeout: 1500
# The same attempts run once in a sandbox that shows the host's root, as one might write it: there they succeed. As root the
# script runs a second time as a plain user, for whom local works in another way.
# The dollars belong to the commands of the variants.
# shellcheck disable=SC2016,SC2088
# shellcheck source=tests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

# Each attempt that succeeds prints "REACHED what". Wants the variables state, repo, home and race.
ATTACK='
try() { what=$1; shift; if "$@" >/dev/null 2>&1; then echo "REACHED $what"; fi; }
some() { ls -A "$1" | grep -q .; }
run_in() { sh -c "$1"; }
echo begin
try docker.sock test -e /var/run/docker.sock
try docker.sock-run test -e /run/docker.sock
try run-directory some /run/user
try our-socket test -e "$state/sock"
try state-directory some "$state"
try journal cat "$state/journal"
try conductor.lock cat "$state/conductor.lock"
try own-log-by-path cat "$state/races/$race/thief/log"
try own-idx-by-path cat "$state/races/$race/thief/log.idx"
try neighbours-work cat "$state/races/$race/owner/work/private"
try neighbours-home cat "$state/races/$race/owner/home/private"
try neighbours-log cat "$state/races/$race/owner/log"
try repository some "$repo"
try repository-git cat "$repo/.git/config"
try users-home some "$home"
try ssh-key cat "$home/.ssh/id_ed25519"
try root-home some /root
try shadow cat /etc/shadow
try other-users-file cat "$home/.netrc"
try tmp-of-host some "${home%/*}"
try our-conductor sh -c "for p in /proc/[0-9]*; do tr \"\\0\" \"\\n\" <\$p/cmdline 2>/dev/null | sed -n 2p; done | grep -x conductor"
try runner-directory-list some /.yolo/log
try log-write sh -c "echo forged >>/.yolo/log"
try idx-write sh -c "echo forged >>/.yolo/idx"
for d in fd root cwd task/1/fd map_files; do try runner-$d some /proc/1/$d/; done
for f in environ mem maps stack syscall; do try runner-$f sh -c "head -c 16 /proc/1/$f | grep -q ."; done
try runner-fd-write sh -c "for f in /proc/1/fd/*; do echo forged >>\$f && exit 0; done; exit 1"
try inherited-fds sh -c "ls /proc/self/fd | grep -v -x -E \"[0-3]\""
try base-store-write sh -c "echo x >/yolo-base.git/x"
try base-store-change sh -c "echo x >>/yolo-base.git/config"
try base-store-unlink rm -rf /yolo-base.git/objects/pack
try base-store-remount mount -o remount,rw /yolo-base.git
try usr-write sh -c "echo x >/usr/x"
try etc-write sh -c "echo x >>/etc/passwd"
try root-write sh -c "echo x >/x"
try core-pattern test -w /proc/sys/kernel/core_pattern
try sysrq test -w /proc/sysrq-trigger
try device mknod /tmp/mem c 1 1
try disk-device sh -c "ls /dev | grep -E \"^(mem|kmsg|vda|sda|nvme)\""
try chown chown 0 /work/README.md
try setuid sh -c "su -c id || sudo -n id"
try other-network-interface sh -c "tail -n +3 /proc/net/dev | grep -v \" lo:\""
# whoever may say this, pid 1 lives on: else the lines below are missing
for s in KILL STOP HUP INT QUIT ILL SEGV TERM USR1 WINCH; do kill -$s 1 2>/dev/null; done
try conductor-by-net sh -c "grep -a -q yolodeck /proc/net/unix"
[ ! -x /tmp/keys ] || try session-key /tmp/keys read
[ ! -x ./keys ] || try session-key ./keys read
echo "cap $(sed -n "s/^CapEff:[[:space:]]*//p" /proc/self/status) nnp $(sed -n "s/^NoNewPrivs:[[:space:]]*//p" /proc/self/status)"
printf "\\377\\000\\377forged\\000\\000\\n" # no part of an index
echo end
exit 7'

# A key in the session keyring is reachable for all that inherit the keyring, whatever their files are.
build_keys() {
	cat >"$T/keys.c" <<'C'
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	char b[64] = "";
	if (argc > 2 && !strcmp(argv[1], "with")) { /* a new session keyring with a key in it, for what follows */
		if (syscall(SYS_keyctl, 1, NULL) < 0 || syscall(SYS_add_key, "user", "yolo-test", "secret", 6, -3) < 0)
			return 3;
		/* everyone who possesses it, and also the owner's uid */
		execvp(argv[2], argv + 2);
		return 4;
	}
	long id = syscall(SYS_request_key, "user", "yolo-test", NULL, 0);
	return id < 0 || syscall(SYS_keyctl, 11, id, b, sizeof b) < 0 || strncmp(b, "secret", 6) ? 1 : 0;
}
C
	"${CC:-cc}" -static -o "$T/keys" "$T/keys.c" 2>"$T/err" && "$T/keys" with "$T/keys" read
}

attack() { # ENGINE NETWORK
	local out dir race
	"${WITH_KEY[@]}" "$YOLO" run --engine "$1" --network "$2" --allow-unlimited -f "$T/race.json" -d >"$T/n" 2>"$T/err" ||
		not_ok "$1: the race starts" "$(cat "$T/err")" || return
	race=$(cat "$T/n")
	dir=$STATE/races/$race
	"$YOLO" wait "$race" >"$T/out"
	out=$("$YOLO" log "$race/thief" | tr -d '\0')
	like "$out" $'^begin\n' "$1 $2: the attempts ran"
	like "$out" $'\ncap 0000000000000000 nnp 1\n' "$1 $2: no capability, no new privileges"
	like "$out" $'\nend' "$1 $2: ... to their end, no signal to the runner stopped them"
	reached=$(grep -a '^REACHED' <<<"$out" | grep -a -v -x -F -e "${ALLOWED:-none}" || :)
	is "$reached" "" "$1 $2: nothing is reached"
	like "$("$YOLO" show "$race/thief")" 'reason +exit 7' "$1 $2: the exit is the command's own"
	is "$(git rev-parse "yolo/$race/thief^")" "$(git rev-parse HEAD)" "$1 $2: its branch holds one commit"
	is "$(cat "$dir/owner/work/private")" mine "$1 $2: the neighbour's file is as it was"
	is "$(find "$(echo "$STATE"/base-*.git)" -newer "$dir/race.json" | wc -l)" 0 "$1 $2: the base store was not touched"
}

# A command that takes its runner's limits away, where it is the same user, and ignores what it is asked: its time is over all the same.
sabotage() { # ENGINE
	local race
	race=$("$YOLO" run --engine "$1" --allow-unlimited --timeout 1s -d -- sh -c 'trap "" TERM HUP INT
		kill -TERM 1; prlimit --pid 1 --nofile=1:1; echo tried; (while :; do :; done) & while :; do :; done' 2>/dev/null)
	timeout 60 "$YOLO" wait "$race" >/dev/null
	is $? 1 "$1: a command that sabotages its runner ends"
	like "$("$YOLO" show "$race/1")" 'reason +time limit' "$1: by its time limit, and not stopped by somebody"
}

# Once more as a plain user: local then has a user namespace, and command and runner are the same user.
as_user() {
	chmod 711 "$T"
	mkdir -p "$T/pub/tests/lib" "$T/pub/tests/hostile"
	cp "$YOLO" "$T/pub/yolodeck"
	cp "$LIB_TOP/tests/lib/lib.sh" "$T/pub/tests/lib"
	cp "$LIB_TOP/tests/hostile/walls.sh" "$T/pub/tests/hostile"
	chmod -R go=rX "$T/pub"
	env -u YOLODECK_TEST YOLO="$T/pub/yolodeck" WALLS=local HOME="$T/pub" \
		setpriv --reuid 23456 --regid 23456 --clear-groups --inh-caps=-all bash "$T/pub/tests/hostile/walls.sh" >"$T/as-user" 2>&1
	like "$(tail -n 1 "$T/as-user")" '^1\.\.[0-9]{2,}$' "as a plain user: the script came to its end" || tail -n 5 "$T/as-user"
	while read -r word rest; do
		case "$word $rest" in
		"ok "*) ok "as a plain user: ${rest#* - }" ;;
		"not ok "*) not_ok "as a plain user: ${rest#*- }" ;;
		"# "*) echo "$word $rest" ;;
		esac
	done <"$T/as-user"
}

# The same script behind the wall one would build first.
control() {
	mkdir -p "$T/scratch"
	bwrap --ro-bind / / --bind "$T/scratch" /tmp --bind "$T" "$T" --proc /proc --dev /dev --unshare-pid sh -c "$WHERE; race=2; $ATTACK" >"$T/control" 2>&1
	for what in state-directory journal neighbours-work own-log-by-path repository-git ssh-key users-home; do
		like "$(tr -d '\0' <"$T/control")" "REACHED $what" "control: with the host's root shown, $what is reached"
	done
	if [ -e /var/run/docker.sock ]; then
		like "$(tr -d '\0' <"$T/control")" "REACHED docker.sock" "control: ... and the Docker socket"
	fi
	if [ ${#WITH_KEY[@]} -gt 0 ]; then
		check "control: a sandbox alone leaves the session's keys in reach" "$T/keys" with bwrap --ro-bind / / --unshare-pid "$T/keys" read
	fi
}

# What may be asked for in a race, and what may not.
mounts() {
	mkdir -p "$HOME/fine" "$HOME/links"
	ln -sfn "$STATE" "$HOME/links/state"
	ln -sfn /run "$HOME/links/run"
	for m in / '~' "$HOME/fine/.." '~/fine/../..' relative; do
		refused "$1: the mount $m is refused" 2 "$YOLO" run --engine "$1" --mount "$m" --allow-unlimited -d -- true
	done
	for m in "$HOME" /run /var/run "$STATE" "${STATE%/*}" "$T/state" "$REPO" "$REPO/.git" /proc /sys /dev /etc "$HOME/links/state" "$HOME/links/run" \
		"$HOME/none"; do
		refused "$1: the mount $m is refused" 1 "$YOLO" run --engine "$1" --mount "$m" --allow-unlimited -d -- true
	done
	if [ "$1" = local ]; then
		refused "local: a mount that the variant's own /tmp would hide is refused" 1 "$YOLO" run --engine local --mount "$HOME/fine" --allow-unlimited -d -- true
		set -- local /srv
		[ -d /srv ] || return
	else
		set -- "$1" "$HOME/fine"
	fi
	check "$1: another directory is mounted, read-only" "$YOLO" run --engine "$1" --mount "$2" --allow-unlimited --wait -- \
		sh -c "test -d $2 && ! touch $2/x"
}

REPO=$(toy_repo)
cd "$REPO" || exit 1
mkdir -m 700 "$HOME/.ssh"
echo key >"$HOME/.ssh/id_ed25519"
echo key >"$HOME/.netrc"
engines=
if [ -n "${WALLS:-}" ]; then
	engines=$WALLS
elif have_bwrap; then engines=local; else skip "walls of local" "no bubblewrap here"; fi
if [ -z "${WALLS:-}" ] && have_docker; then engines="$engines docker"; elif [ -z "${WALLS:-}" ]; then skip "walls of docker" "no Docker daemon here"; fi
[ -n "$engines" ] || skip_all "neither bubblewrap nor Docker here"
WITH_KEY=()
if build_keys; then
	# the conductor, and with it all that it starts, has a key in its session
	WITH_KEY=("$T/keys" with)
else
	skip "keys of the session" "no keyring here: $(cat "$T/err")"
fi
cp "$T/keys" ./keys && git add keys && git commit -q -m "Add the key's reader"
"${WITH_KEY[@]}" "$YOLO" run --engine "${engines%% *}" --allow-unlimited --wait -- true >/dev/null 2>&1
STATE=$(state_dir)
WHERE="state=$STATE repo=$REPO home=$HOME"
{
	printf '{ "variants": [ { "name": "owner", "command": "echo mine >private; echo mine >~/private; echo mine" },\n'
	printf '{ "name": "thief", "command": %s } ] }\n' "$(json_to_str "$WHERE; race=\$YOLO_RACE; echo changed >of-the-thief; $ATTACK")"
} >"$T/race.json"
for engine in $engines; do
	attack "$engine" none
	ALLOWED=$'REACHED other-network-interface\nREACHED conductor-by-net' attack "$engine" bridge
	sabotage "$engine"
	mounts "$engine"
done
! have_bwrap || control
if [ "$(id -u)" = 0 ] && have_bwrap; then
	if setpriv --reuid 23456 --regid 23456 --clear-groups bwrap --ro-bind / / --unshare-all true 2>"$T/err"; then
		as_user
	else
		skip "walls as a plain user" "$(head -n 1 "$T/err")"
	fi
fi
done_testing
