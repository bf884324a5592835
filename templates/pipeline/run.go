// run.go - one task from its start to its end, which is told exactly once.
package main

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
	task
	pl     *pipeline
	ctx    context.Context // of the exec
	cancel context.CancelCauseFunc
	log    *hostLog
	in     *intake
	want   chan struct{} // a checkpoint is asked for
	tree   sync.Mutex    // one at a time replaces work/

	mu     sync.Mutex
	ground *dagger.Container
	src    *dagger.Directory
	inside bool     // the exec is asked for: stop goes by the line or the file
	line   net.Conn // to the runner; nil = not yet, or never
}

func newRun(pl *pipeline, t task) *run {
	r := &run{task: t, pl: pl, want: make(chan struct{}, 1)}
	r.ctx, r.cancel = context.WithCancelCause(pl.root)
	r.in = newIntake(func(f frame) { r.log.add(f) }, func() {
		emit(event{Ev: "state", ID: r.ID, State: "running"})
	})
	return r
}

func (r *run) note(text string) {
	emitNote(r.ID, text)
}

func (r *run) container() *dagger.Container {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pl.container(&r.task, r.ground, r.src, r.ctl())
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
	ground, src, err := r.pl.grounds.of(&r.task).make(r.ctx, r.pl.client, &r.task, r.note)
	r.note("")
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
	r.ground, r.src, r.inside = ground, src, true
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
	argv, ctr := r.runnerArgv(customWrap(r.Argv)), r.container()
	ctl, err := openSocket(r.pl.dir, "ctl-"+rand.Text()[:8])
	if err == nil {
		defer ctl.close()
		go r.hold(ctl)
		ctr, argv = ctl.in(r.pl.client, ctr, "/yolo-ctl"), append([]string{argv[0], "--ctl", "/yolo-ctl"}, argv[1:]...)
	} else {
		say("%s: it will be slower to stop: %v", r.ID, err)
	}
	_, err = ctr.WithExec(argv, dagger.ContainerWithExecOpts{Expect: dagger.ReturnTypeAny}).Sync(ctx)
	if err == nil {
		select {
		case <-r.in.quiet:
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
	return "gone", "the container ended without a word"
}

// softStop asks the runner to end the command, and cancels when that takes too long.
func (r *run) softStop() {
	r.mu.Lock()
	inside := r.inside
	r.mu.Unlock()
	if !inside {
		r.cancel(errCancelled)
		return
	}
	limit := time.Duration(r.GraceMS)*time.Millisecond + 3*time.Second
	time.AfterFunc(limit, func() { r.cancel(errCancelled) })
	ctx, cancel := context.WithTimeout(r.pl.root, limit)
	defer cancel()
	if r.askByLine() {
		return
	}
	if _, err := aside(r.container(), "--touch", "/.yolo/stop").Sync(ctx); err != nil && r.ctx.Err() == nil {
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
