// run.go - one task from its start to its end, which is reported exactly once.
package runtime

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"sync"
	"time"

	"dagger.io/dagger"
)

var errCancelled = errors.New("cancelled")

type run struct {
	Task
	pl     *pipeline
	ctx    context.Context // of the exec
	cancel context.CancelCauseFunc
	log    *hostLog
	in     *logReader
	want   chan struct{} // a checkpoint is asked for
	tree   sync.Mutex    // one at a time replaces work/

	mu          sync.Mutex
	base        *dagger.Container
	source      *dagger.Directory
	execStarted bool     // the engine was asked for the exec: a stop goes to the runner
	stopConn    net.Conn // to the runner; nil = not yet, or never
}

func newRun(pl *pipeline, t Task) *run {
	r := &run{Task: t, pl: pl, want: make(chan struct{}, 1)}
	r.note = func(text string) { emitNote(r.ID, text) }
	r.ctx, r.cancel = context.WithCancelCause(pl.root)
	r.in = newLogReader(func(f frame) { r.log.add(f) }, func() {
		emit(event{Ev: "state", ID: r.ID, State: "running"})
	})
	return r
}

func (r *run) container() *dagger.Container {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pl.steps.Variant(r.pl.client, r.base, r.source, &r.Task)
}

// live runs in its own goroutine.
func (r *run) live() {
	cause, text, tree := r.all()
	r.cancel(nil)
	emit(event{Ev: "end", ID: r.ID, Cause: cause, Text: &text, Tree: &tree})
	r.pl.forget(r)
}

func (r *run) all() (cause, text string, tree bool) {
	emit(event{Ev: "state", ID: r.ID, State: "starting"})
	var err error
	if r.log, err = openLog(r.Log, r.Idx); err != nil {
		return "not_started", "the log cannot be opened: " + sentence(err), false
	}
	defer r.log.close()
	base, source, err := r.pl.bases.of(&r.Task).make(r.ctx, r.pl, &r.Task)
	r.Note("")
	if err != nil {
		if !r.pl.alive() {
			return "engine", r.pl.goneText(), false
		}
		if r.ctx.Err() != nil {
			return "stopped", "", false
		}
		return "not_started", sentence(err), false
	}
	r.mu.Lock()
	r.base, r.source, r.execStarted = base, source, true
	r.mu.Unlock()
	if !r.pl.plan.CollectOnly {
		err = r.execute()
	}
	if err != nil && r.ctx.Err() == nil && !r.pl.alive() {
		return "engine", r.pl.goneText(), false
	}
	emit(event{Ev: "state", ID: r.ID, State: "collecting"})
	tree, lost := r.collect(r.pl.root)
	cause, text = r.judge(err, lost)
	if cause == "ended" && !tree && lost != nil {
		text = sentence(lost) // how it ended is known, but its files are not here
	}
	return cause, text, tree
}

// execute returns when the command is over and its last frame is in, or will not come.
func (r *run) execute() error {
	ctx, trace := newTrace(r.ctx)
	r.pl.listen(trace, r.in)
	defer r.pl.listen(trace, nil)
	looking, stop := context.WithCancel(r.ctx)
	var looked sync.WaitGroup
	if !r.Check {
		looked.Go(func() { r.checkpoints(looking) })
	}
	ctr := r.container()
	sock, err := openSocket(r.pl.dir, "stop-"+rand.Text()[:8])
	if err == nil {
		defer sock.close()
		go r.serveStop(sock)
		r.stopSocket = "/yolo-stop"
		ctr = sock.in(r.pl.client, ctr, r.stopSocket)
	} else {
		say("%s: it will be slower to stop: %v", r.ID, err)
	}
	err = r.pl.steps.Attempt(ctx, ctr, &r.Task)
	if err == nil {
		select {
		case <-r.in.done:
		case <-time.After(5 * time.Second): // the rest comes with the collection
		case <-r.pl.root.Done():
		}
	}
	stop()
	looked.Wait()
	return err
}

// judge finds the cause from what is on the host now.
func (r *run) judge(err, lost error) (cause, text string) {
	exit, records, _ := r.log.state()
	switch {
	case exit:
		return "ended", ""
	case r.pl.root.Err() != nil && !r.pl.alive():
		return "engine", r.pl.goneText()
	case r.ctx.Err() != nil:
		return "stopped", ""
	case records == 0 && r.in.sentence() != "":
		return "not_started", r.in.sentence()
	case records == 0 && err != nil:
		return "not_started", sentence(err)
	case err != nil:
		return "gone", sentence(err)
	case lost != nil:
		return "gone", sentence(lost)
	}
	return "gone", "the container ended without an exit record"
}

// softStop asks the runner to end the command, and cancels when that takes too long.
func (r *run) softStop() {
	r.mu.Lock()
	started := r.execStarted
	r.mu.Unlock()
	if !started {
		r.cancel(errCancelled)
		return
	}
	limit := time.Duration(r.GraceMS)*time.Millisecond + 3*time.Second
	time.AfterFunc(limit, func() { r.cancel(errCancelled) })
	ctx, cancel := context.WithTimeout(r.pl.root, limit)
	defer cancel()
	if r.sendStop() {
		return
	}
	if _, err := helperExec(r.container(), "--touch", "/.yolo/stop").Sync(ctx); err != nil && r.ctx.Err() == nil {
		say("%s: it cannot be asked to stop: %s", r.ID, sentence(err))
		r.cancel(errCancelled)
	}
}

func (r *run) checkpoint() {
	select {
	case r.want <- struct{}{}:
	default:
	}
}
