// variant.go - the container of a variant: its image, its volumes, what is mounted.
//
// The volumes' identity is their name, their Source and their owner together: every exec on them is made from what container()
// returns. The same name with another Source would be another volume, empty.
package main

import (
	"crypto/rand"
	"fmt"
	"strings"

	"dagger.io/dagger"
)

// container has everything but the exec. ctl names the volume at /.yolo, which only the runner reads: one for each logged exec.
func (pl *pipeline) container(t *task, ground *dagger.Container, src *dagger.Directory, ctl string) *dagger.Container {
	key := pl.plan.key(t)
	owner := fmt.Sprintf("%d:%d", t.UID, t.GID)
	shared := dagger.CacheSharingModeShared
	own := dagger.ContainerWithMountedCacheOpts{Sharing: shared, Owner: owner}
	work := dagger.ContainerWithMountedCacheOpts{Sharing: shared, Owner: owner, Source: src}
	ctr := ground.
		WithUser("0:0").
		WithMountedCache("/work", pl.client.CacheVolume(key), work).
		WithMountedCache("/home/yolo", pl.client.CacheVolume(key+"-home"), own).
		WithMountedCache("/tmp", pl.client.CacheVolume(key+"-tmp"), own).
		WithMountedCache("/.yolo", pl.client.CacheVolume(key+ctl), dagger.ContainerWithMountedCacheOpts{Sharing: shared}).
		WithMountedFile("/yolo-runner", pl.client.Host().File(pl.plan.Runner)).
		WithWorkdir("/work")
	if t.Store != "" {
		ctr = ctr.WithMountedDirectory(pl.plan.BaseStoreAt, pl.client.Host().Directory(t.Store))
	}
	ctr = customBase(pl.client, ctr) // after the home, which would hide a cache below it
	ctr = ctr.WithEnvVariable("HOME", "/home/yolo").WithEnvVariable("YOLO_NONCE", t.Nonce)
	for _, kv := range t.Env {
		name, value, _ := strings.Cut(kv, "=")
		ctr = ctr.WithEnvVariable(name, value)
	}
	return ctr
}

// ctl is the name of the volume of the command's log, or of the check's.
func (t *task) ctl() string {
	if t.Check {
		return "-check-ctl"
	}
	return "-ctl"
}

// aside executes the runner beside the command. Each call is another one: an equal call would be answered from the cache.
func aside(ctr *dagger.Container, argv ...string) *dagger.Container {
	return ctr.WithEnvVariable("YOLO_CALL", rand.Text()).WithExec(append([]string{"/yolo-runner"}, argv...))
}
