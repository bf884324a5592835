// image.go - the image of a task, the source, and the shared steps: made once for all tasks that have the same.
package main

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

// ground is where variants begin: the container with the image (and what customSetup left), and the source of their volumes.
type ground struct {
	mu   sync.Mutex
	ctr  *dagger.Container // nil = not made yet, or failed
	src  *dagger.Directory
	fail error
}

// grounds by image and source.
type grounds struct {
	mu sync.Mutex
	by map[string]*ground
}

func (g *grounds) of(t *task) *ground {
	g.mu.Lock()
	defer g.mu.Unlock()
	key := fmt.Sprintf("%q %q", t.Image, t.Src)
	if g.by[key] == nil {
		g.by[key] = &ground{}
	}
	return g.by[key]
}

// make prepares it; whoever comes second waits. A failure is not kept: the next task tries again.
func (g *ground) make(ctx context.Context, client *dagger.Client, t *task, note func(string)) (*dagger.Container, *dagger.Directory, error) {
	note(t.Image.doing())
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ctr != nil {
		return g.ctr, g.src, nil
	}
	ctr, err := t.Image.load(ctx, client)
	if err != nil {
		return nil, nil, err
	}
	note("copying the source")
	src, err := client.Host().Directory(t.Src).Sync(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("the source cannot be copied into the engine: %w", err)
	}
	begin := customBase(client, ctr).WithUser("0:0").WithEnvVariable("HOME", "/home/yolo").WithWorkdir("/work").WithDirectory("/work", src)
	after := customSetup(client, begin)
	if after != begin {
		note("shared setup")
		if ctr, err = after.Sync(ctx); err != nil {
			return nil, nil, setupError(err)
		}
		src = ctr.Directory("/work")
	}
	g.ctr, g.src = ctr, src
	return ctr, src, nil
}

func setupError(err error) error {
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

func (i *image) doing() string {
	switch {
	case i.Ref != "":
		return "pulling " + i.Ref
	case i.Tar != "":
		return "loading image " + filepath.Base(i.Tar)
	}
	return "building image " + filepath.Base(i.Build)
}

// load brings the image into the engine, or says what is wrong with it.
func (i *image) load(ctx context.Context, client *dagger.Client) (*dagger.Container, error) {
	switch {
	case i.Ref != "":
		ctr, err := client.Container().From(i.Ref).Sync(ctx)
		if err != nil {
			return nil, fmt.Errorf("no such image: %s (%w)", i.Ref, err)
		}
		return ctr, nil
	case i.Tar != "":
		if st, err := os.Stat(i.Tar); err != nil || !st.Mode().IsRegular() {
			return nil, fmt.Errorf("no image file %s", i.Tar)
		}
		ctr, err := client.Container().Import(client.Host().File(i.Tar)).Sync(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s is no image, it must be what docker save or an OCI tool wrote (%w)", i.Tar, err)
		}
		return ctr, nil
	case i.Build != "":
		if _, err := os.Stat(filepath.Join(i.Build, "Dockerfile")); err != nil {
			return nil, fmt.Errorf("no Dockerfile in %s", i.Build)
		}
		ctr, err := client.Host().Directory(i.Build).DockerBuild().Sync(ctx)
		if err != nil {
			return nil, fmt.Errorf("the image of %s cannot be built (%w)", i.Build, err)
		}
		return ctr, nil
	}
	return nil, errors.New("the task names no image")
}
