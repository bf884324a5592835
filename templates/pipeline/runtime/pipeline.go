// pipeline.go - all tasks of one engine: starts them, handles what the conductor asks for, notices when the engine goes away.
package runtime

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"dagger.io/dagger"
)

type pipeline struct {
	plan   plan
	steps  Steps
	dir    string
	client *dagger.Client
	root   context.Context // ends when the engine is gone, or at the second TERM
	stop   context.CancelCauseFunc
	every  time.Duration // between checkpoints
	bases  baseContainers

	mu      sync.Mutex
	known   map[string]bool       // ids that were ever started
	runs    map[string]*run       // live ones by id
	traces  map[string]*logReader // by trace id
	gone    string                // why the engine is gone
	leaving bool
}

func newPipeline(p plan, steps Steps, dir string) *pipeline {
	pl := &pipeline{plan: p, steps: steps, dir: dir, every: time.Minute, known: map[string]bool{}, runs: map[string]*run{}, traces: map[string]*logReader{}}
	pl.bases.by = map[string]*baseContainer{}
	pl.root, pl.stop = context.WithCancelCause(context.Background())
	return pl
}

func (pl *pipeline) byTrace(id string) *logReader {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	return pl.traces[id]
}

// listen sends what the engine logs under the trace to in; nil = no more.
func (pl *pipeline) listen(trace string, in *logReader) {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if in == nil {
		delete(pl.traces, trace)
		return
	}
	pl.traces[trace] = in
}

func (pl *pipeline) forget(r *run) {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	delete(pl.runs, r.ID)
}

func (pl *pipeline) live() []*run {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	var all []*run
	for _, r := range pl.runs {
		all = append(all, r)
	}
	return all
}

func (pl *pipeline) get(id string) *run {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	return pl.runs[id]
}

// start begins a task at once: how many run together is the conductor's matter.
func (pl *pipeline) start(path string) {
	t, err := pl.plan.readTask(path)
	if err != nil {
		// Without a task there is no id to end; the conductor wrote the file itself.
		say("a task that cannot be read: %v", err)
		if t.ID == "" {
			return
		}
	}
	pl.mu.Lock()
	if pl.known[t.ID] || pl.leaving {
		pl.mu.Unlock()
		return
	}
	pl.known[t.ID] = true
	if err != nil {
		pl.mu.Unlock()
		text, tree := sentence(err), false
		emit(event{Ev: "end", ID: t.ID, Cause: "not_started", Text: &text, Tree: &tree})
		return
	}
	r := newRun(pl, t)
	pl.runs[t.ID] = r
	pl.mu.Unlock()
	go r.live()
}

// handle does what one control line says. It never waits for the engine.
func (pl *pipeline) handle(c control) (quit bool) {
	if c.Start != "" {
		pl.start(c.Start)
	}
	if r := pl.get(c.Stop); r != nil {
		go r.softStop()
	}
	if r := pl.get(c.Cancel); r != nil {
		r.cancel(errCancelled)
	}
	if r := pl.get(c.Checkpoint); r != nil {
		r.checkpoint()
	}
	emit(event{Ev: "ack", N: c.N})
	return c.Quit
}

// cancelAll is what TERM does; the second one does not wait for what can still be collected.
func (pl *pipeline) cancelAll() {
	pl.mu.Lock()
	again := pl.leaving
	pl.leaving = true
	pl.mu.Unlock()
	for _, r := range pl.live() {
		r.cancel(errCancelled)
	}
	if again {
		pl.stop(errCancelled)
	}
}

const idleLimit = 10 * time.Minute

// loop returns when there is nothing more to do, or nothing can be done any more.
func (pl *pipeline) loop(signals chan os.Signal) {
	ctl := controlFile{path: filepath.Join(pl.dir, "control.jsonl")}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	quit, busy := false, time.Now()
	for {
		select {
		case <-pl.root.Done():
			return
		case <-signals:
			pl.cancelAll()
			quit = true
		case <-tick.C:
			lines, err := ctl.read()
			if err != nil {
				say("control.jsonl: %v", err)
			}
			for _, c := range lines {
				quit = pl.handle(c) || quit
			}
			active := len(pl.live()) > 0
			if active || len(lines) > 0 {
				busy = time.Now()
			}
			if !active && (quit || time.Since(busy) > idleLimit) {
				return
			}
		}
	}
}

func catchSignals() chan os.Signal {
	c := make(chan os.Signal, 4)
	signal.Ignore(syscall.SIGPIPE)
	signal.Notify(c, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	return c
}
