# dagger.sh - what the tests on a real Dagger engine share. Sourced after lib.sh; ends the script with one skipped test where there is none.
# shellcheck shell=bash
#
# $IMAGE names an image of the local Docker with a static busybox; it is removed at the end. `dagger_race ARGS...` starts a race on dagger.

# Why there is nothing to test with; nothing when all is there.
dagger_missing() {
	command -v go >/dev/null || {
		echo "no go on PATH"
		return
	}
	have_docker || {
		echo "no Docker to make an image with"
		return
	}
	if [ ! -x /bin/busybox ] || ldd /bin/busybox >/dev/null 2>&1; then
		echo "no static busybox for an image"
		return
	fi
	local said
	said=$(cd "$T" && toy_repo probe >/dev/null && cd probe && yolodeck doctor | grep '^dagger ')
	[[ $said == *" ready: "* ]] || echo "${said#dagger *}"
}

# A file system of busybox and nothing else, as an image; prints its name.
dagger_image() {
	local a root=$T/image name=yolodeck-test-${T##*-}
	name=${name,,}:1
	mkdir -p "$root/bin" "$root/tmp"
	cp /bin/busybox "$root/bin/"
	for a in $(/bin/busybox --list | grep -v -x busybox); do ln -sf busybox "$root/bin/$a"; done
	tar -C "$root" -c . | docker import - "$name" >/dev/null && echo "$name"
}

LIB_SKIP=$(dagger_missing)
[ -z "$LIB_SKIP" ] || skip_all "$LIB_SKIP"
IMAGE=$(dagger_image) || skip_all "Docker made no image"
export IMAGE

dagger_clean() {
	docker rmi -f "$IMAGE" >/dev/null 2>&1
	lib_exit
}
trap dagger_clean EXIT

dagger_race() {
	yolodeck run --engine dagger --image "$IMAGE" "$@"
}

# What jq makes of a variant's record: of 1/2 .row.state
of() {
	yolodeck show "$1" --json | jq -r "$2"
}
