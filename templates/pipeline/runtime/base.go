// base.go - the image of a task, the source, and the shared steps: made once for all tasks that have the same.
package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"dagger.io/dagger"
)

// Image is one of three.
type Image struct {
	Ref   string `json:"ref"`
	Tar   string `json:"tar"`
	Build string `json:"build"` // a directory with a Dockerfile
}

// baseContainer is where variants begin: the container with the image (and what the setup left), and the source of their
// volumes.
type baseContainer struct {
	mu     sync.Mutex
	ctr    *dagger.Container // nil = not made yet, or failed
	source *dagger.Directory
}

// baseContainers by image and source.
type baseContainers struct {
	mu sync.Mutex
	by map[string]*baseContainer
}

func (b *baseContainers) of(t *Task) *baseContainer {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := fmt.Sprintf("%q %q", t.Image, t.Source)
	if b.by[key] == nil {
		b.by[key] = &baseContainer{}
	}
	return b.by[key]
}

// make prepares it; whoever comes second waits. A failure is not kept: the next task tries again.
func (b *baseContainer) make(ctx context.Context, pl *pipeline, t *Task) (*dagger.Container, *dagger.Directory, error) {
	t.Note(t.Image.doing())
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ctr != nil {
		return b.ctr, b.source, nil
	}
	if err := t.Image.check(); err != nil {
		return nil, nil, err
	}
	image, err := pl.steps.Base(ctx, pl.client, &t.Image)
	if err != nil {
		return nil, nil, t.Image.explain(err)
	}
	ctr, source, err := pl.steps.Setup(ctx, pl.client, image, t)
	if err != nil {
		return nil, nil, err
	}
	b.ctr, b.source = ctr, source
	return ctr, source, nil
}

// SetupError names the last line that the failed step of a setup wrote.
func SetupError(err error) error {
	var e *dagger.ExecError
	if !errors.As(err, &e) {
		return fmt.Errorf("the shared setup failed: %w", err)
	}
	out := strings.TrimSpace(e.Stderr)
	if out == "" {
		out = strings.TrimSpace(e.Stdout)
	}
	out = out[strings.LastIndexByte(out, '\n')+1:]
	return fmt.Errorf("the shared setup failed: exit %d: %s", e.ExitCode, out)
}

func (i *Image) doing() string {
	switch {
	case i.Ref != "":
		return "pulling " + i.Ref
	case i.Tar != "":
		return "loading image " + filepath.Base(i.Tar)
	}
	return "building image " + filepath.Base(i.Build)
}

// check finds what can be known to be wrong before the engine is asked.
func (i *Image) check() error {
	switch {
	case i.Tar != "":
		if st, err := os.Stat(i.Tar); err != nil || !st.Mode().IsRegular() {
			return fmt.Errorf("no image file %s", i.Tar)
		}
	case i.Build != "":
		if _, err := os.Stat(filepath.Join(i.Build, "Dockerfile")); err != nil {
			return fmt.Errorf("no Dockerfile in %s", i.Build)
		}
	case i.Ref == "":
		return errors.New("the task names no image")
	}
	return nil
}

// explain says what an error of the engine means for the image.
func (i *Image) explain(err error) error {
	switch {
	case i.Ref != "":
		return fmt.Errorf("no such image: %s (%w)", i.Ref, err)
	case i.Tar != "":
		return fmt.Errorf("%s is no image, it must be what docker save or an OCI tool wrote (%w)", i.Tar, err)
	}
	return fmt.Errorf("the image of %s cannot be built (%w)", i.Build, err)
}
