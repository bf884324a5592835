// collect.go - brings the tree and the rest of the log out of the volumes: at the end, and while the command runs.
package runtime

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"dagger.io/dagger"
)

// A large tree may take its time; that the engine is gone is found out by itself (watch.go).
const collectLimit = 15 * time.Minute

// fetchTree packs /work in the container and puts it in the place of work/. The tar is written by the runner: the image needs
// no tar. No trace id of the task is in ctx: nothing of this is taken for its output.
func (r *run) fetchTree(ctx context.Context) error {
	r.tree.Lock()
	defer r.tree.Unlock()
	tarPath := r.scratch("tree.tar")
	defer os.Remove(tarPath)
	begin := time.Now()
	packed := helperExec(r.container(), "--pack", "/work", "--to", "/out.tar").File("/out.tar")
	size, err := packed.Size(ctx)
	if err != nil {
		return fmt.Errorf("the tree cannot be packed: %w", err)
	}
	if int64(size) > maxBytes+(1<<30) {
		return fmt.Errorf("the tree is larger than %d GiB", maxBytes>>30)
	}
	there := time.Now()
	if _, err := packed.Export(ctx, tarPath); err != nil {
		return fmt.Errorf("the tree cannot be exported: %w", err)
	}
	here := time.Now()
	refused, err := replaceTree(r.Dir, tarPath)
	say("%s: tree of %d KiB packed in %v, exported in %v, unpacked in %v", r.ID, size>>10,
		there.Sub(begin).Round(time.Millisecond), here.Sub(there).Round(time.Millisecond), time.Since(here).Round(time.Millisecond))
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
	copied := helperExec(r.container(), "--copy", "/.yolo/log", "/out.log", "/.yolo/idx", "/out.idx")
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
	to := r.scratch(name)
	if _, err := from.File(path).Export(ctx, to); err != nil {
		os.Remove(to)
		return "", fmt.Errorf("the log cannot be fetched: %w", err)
	}
	return to, nil
}

// scratch is a name of a file in the pipe directory that is not there.
func (r *run) scratch(name string) string {
	return filepath.Join(r.pl.dir, rand.Text()+"-"+name)
}

// collect fetches both at the same time. What does not come stays as the last checkpoint left it.
func (r *run) collect(root context.Context) (tree bool, err error) {
	ctx, cancel := context.WithTimeout(root, collectLimit)
	defer cancel()
	var logs sync.WaitGroup
	var lost error
	logs.Go(func() { lost = r.retryOnce(ctx, r.fetchLog) })
	if !r.Check { // what a check writes is nowhere recorded
		err = r.retryOnce(ctx, r.fetchTree)
		tree = err == nil
	}
	logs.Wait()
	return tree, errors.Join(lost, err)
}

// retryOnce: what fails once may be the engine's momentary state.
func (r *run) retryOnce(ctx context.Context, fetch func(context.Context) error) error {
	err := fetch(ctx)
	if err != nil && ctx.Err() == nil && r.pl.alive() {
		say("%s: %s; trying again", r.ID, sentence(err))
		err = fetch(ctx)
	}
	if err != nil {
		say("%s: %s", r.ID, sentence(err))
	}
	return err
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
