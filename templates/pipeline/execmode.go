// execmode.go - `pipeline exec DIR TASKFILE -- ARGV...`: a second command in a variant's files, its output on ours; `pipeline tty ...`: on
// our terminal (terminal.go).
//
// It is logged by a runner of its own, for its frames: Dagger's own streams lose what is not UTF-8.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"dagger.io/dagger"
)

const execFailed = 125

func execFault(format string, args ...any) int {
	fmt.Fprintf(os.Stderr, "yolodeck: "+format+"\n", args...)
	return execFailed
}

// execArgv puts a command with a name (@name) in its place.
func execArgv(argv []string) ([]string, error) {
	name, named := strings.CutPrefix(argv[0], "@")
	if !named {
		return argv, nil
	}
	c := commands[name]
	if len(c) == 0 {
		return nil, fmt.Errorf("no command %q in the pipeline's table of commands", name)
	}
	return append(append([]string{}, c...), argv[1:]...), nil
}

// execInput reads what there is to do: another command with its own log, and none of the task's limits.
func execInput(dir, taskFile string, argv []string) (plan, task, []string, error) {
	p, err := readPlan(dir)
	if err != nil {
		return p, task{}, nil, err
	}
	t, err := readTask(taskFile)
	if err != nil {
		return p, t, nil, err
	}
	t.Setup, t.TimeMS, t.Memory, t.Pids, t.LogCap = "", 0, 0, 0, 0
	argv, err = execArgv(argv)
	return p, t, argv, err
}

func execMode(dir, taskFile string, argv []string, tty bool) int {
	events.silent = true
	signals := catchSignals()
	p, t, argv, err := execInput(dir, taskFile, argv)
	if err != nil {
		return execFault("%s", sentence(err))
	}
	if tty {
		fmt.Fprintf(os.Stderr, "A container with the files of %d/%s is started ...\n", p.Race, t.Variant)
	}
	pl := newPipeline(p, dir)
	caught := make(chan os.Signal, 1)
	go func() {
		caught <- <-signals
		pl.stop(errCancelled)
	}()
	s, client, f := connect(pl.root, &p)
	if f == nil {
		pl.client = client
		err = pl.follow(s)
	}
	code := execFailed
	switch {
	case f == nil && err == nil && tty:
		code = pl.terminal(&t, argv)
	case f == nil && err == nil:
		code = pl.execute(&t, argv)
	case len(caught) > 0:
	case f != nil:
		execFault("%s", f.text)
	default:
		execFault("%s", sentence(err))
	}
	pl.stop(nil) // else the end of the session would look like the engine's
	if s != nil {
		s.close(time.Second)
	}
	select {
	case sig := <-caught:
		return 128 + signalNumber(sig)
	default:
		return code
	}
}

// execute runs it and returns its exit code.
func (pl *pipeline) execute(t *task, argv []string) int {
	code, cause := execFailed, uint64(0)
	ended := false
	in := newIntake(func(f frame) {
		switch {
		case f.kind == kindOutput && f.stream == 2:
			os.Stderr.Write(f.data)
		case f.kind == kindOutput:
			os.Stdout.Write(f.data)
		case f.kind == kindExit:
			code, cause, ended = int(f.len), f.val, true
		}
	}, func() {})
	ground, src, err := pl.grounds.of(t).make(pl.root, pl.client, t, func(string) {})
	if err != nil {
		return execFault("%s", sentence(err))
	}
	ctx, trace := newTrace(pl.root)
	pl.listen(trace, in)
	ctr := pl.container(t, ground, src, "-exec-"+rand.Text()[:8])
	_, err = ctr.WithExec(t.runnerArgv(argv), dagger.ContainerWithExecOpts{Expect: dagger.ReturnTypeAny}).Sync(ctx)
	if err == nil {
		select {
		case <-in.quiet:
		case <-time.After(10 * time.Second):
		case <-pl.root.Done():
		}
	}
	pl.listen(trace, nil)
	switch {
	case context.Cause(pl.root) == errCancelled:
		return execFailed
	case in.sentence() != "":
		return execFault("%s", in.sentence())
	case err != nil:
		return execFault("%s", sentence(err))
	case !ended:
		return execFault("the end of the command was not told")
	case cause == 4:
		fmt.Fprintf(os.Stderr, "yolodeck: %s cannot be started in the container\n", argv[0])
	}
	return code
}

func signalNumber(s os.Signal) int {
	n, ok := s.(syscall.Signal)
	if !ok {
		return 15
	}
	return int(n)
}
