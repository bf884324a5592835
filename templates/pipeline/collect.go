// collect.go - brings the tree and the rest of the log out of the volumes: at the end, and while the command runs.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"dagger.io/dagger"
)

const collectLimit = 2 * time.Minute

// fetchTree packs /work in the container and puts it in the place of work/. The tar is written by the runner: the image needs
// no tar. No trace id of the task is in ctx: nothing of this is taken for its output.
func (r *run) fetchTree(ctx context.Context) error {
	r.tree.Lock()
	defer r.tree.Unlock()
	tarPath, err := r.scratch("tree.tar")
	if err != nil {
		return err
	}
	defer os.Remove(tarPath)
	packed := aside(r.container(), "--pack", "/work", "--to", "/out.tar").File("/out.tar")
	size, err := packed.Size(ctx)
	if err != nil {
		return fmt.Errorf("the tree cannot be packed: %w", err)
	}
	if int64(size) > maxBytes+(1<<30) {
		return fmt.Errorf("the tree is larger than %d GiB", maxBytes>>30)
	}
	if _, err := packed.Export(ctx, tarPath); err != nil {
		return fmt.Errorf("the tree cannot be exported: %w", err)
	}
	refused, err := replaceTree(r.Dir, tarPath)
	if refused > 0 {
		emitNote(r.ID, fmt.Sprintf("%d files of the tree were left out", refused))
		say("%s: %d entries of the tree were left out", r.ID, refused)
	}
	return err
}

// fetchLog completes the host's log from the files of the runner; needless when every frame came, the exit too.
func (r *run) fetchLog(ctx context.Context) error {
	if exit, _, _ := r.log.state(); exit {
		return nil
	}
	copied := aside(r.container(), "--copy", "/.yolo/log", "/out.log", "/.yolo/idx", "/out.idx")
	rawIdx, err := r.fetchFile(ctx, copied, "/out.idx", "raw.idx")
	if err != nil {
		return err
	}
	defer os.Remove(rawIdx)
	rawLog, err := r.fetchFile(ctx, copied, "/out.log", "raw.log")
	if err != nil {
		return err
	}
	defer os.Remove(rawLog)
	return r.log.fill(rawLog, rawIdx)
}

func (r *run) fetchFile(ctx context.Context, from *dagger.Container, path, name string) (string, error) {
	to, err := r.scratch(name)
	if err != nil {
		return "", err
	}
	if _, err := from.File(path).Export(ctx, to); err != nil {
		os.Remove(to)
		return "", fmt.Errorf("the log cannot be fetched: %w", err)
	}
	return to, nil
}

// scratch is a name of a file in the pipe directory that is not there.
func (r *run) scratch(name string) (string, error) {
	dir, err := os.MkdirTemp(r.pl.dir, "fetch-")
	if err != nil {
		return "", err
	}
	r.dirs = append(r.dirs, dir)
	return filepath.Join(dir, name), nil
}

// collect tries twice: something that fails once may be the engine's momentary state. What does not come stays as the last
// checkpoint left it.
func (r *run) collect(root context.Context) (tree bool, err error) {
	ctx, cancel := context.WithTimeout(root, collectLimit)
	defer cancel()
	for range 2 {
		if err = r.fetchLog(ctx); err == nil || ctx.Err() != nil || !r.pl.alive() {
			break
		}
		say("%s: %s; trying again", r.ID, sentence(err))
	}
	if err != nil {
		say("%s: %s", r.ID, sentence(err))
	}
	if r.Check {
		return false, err // what a check writes is nowhere recorded
	}
	for range 2 {
		e := r.fetchTree(ctx)
		if e == nil {
			return true, err
		}
		say("%s: %s", r.ID, sentence(e))
		if err == nil {
			err = e
		}
		if ctx.Err() != nil || !r.pl.alive() {
			break
		}
	}
	return false, err
}

// checkpoints keeps work/ near to the container: when asked, and every minute if something was said.
func (r *run) checkpoints(ctx context.Context) {
	tick := time.NewTicker(r.pl.every)
	defer tick.Stop()
	_, _, last := r.log.state()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.want:
		case <-tick.C:
			_, _, size := r.log.state()
			if size == last {
				continue
			}
			last = size
		}
		limited, cancel := context.WithTimeout(ctx, collectLimit)
		err := r.fetchTree(limited)
		cancel()
		if err == nil {
			emit(event{Ev: "checkpoint", ID: r.ID})
		} else if ctx.Err() == nil {
			say("%s: checkpoint: %s", r.ID, sentence(err))
		}
	}
}
