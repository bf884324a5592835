// execmode.go - `pipeline exec DIR TASKFILE -- ARGV...`: a second command in a variant's files, its output on ours; `pipeline tty ...`: on
// our terminal (terminal.go).
//
// It is logged by a runner of its own, for its frames: Dagger's own streams lose what is not UTF-8.
package runtime

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

// execArgv replaces a command of main.go by its name (@name).
func execArgv(commands map[string][]string, argv []string) ([]string, error) {
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
func execInput(dir, taskFile string, commands map[string][]string, argv []string) (plan, Task, []string, error) {
	p, err := readPlan(dir)
	if err != nil {
		return p, Task{}, nil, err
	}
	t, err := p.readTask(taskFile)
	if err != nil {
		return p, t, nil, err
	}
	t.LogVolume = "-exec-" + rand.Text()[:8]
	t.Setup, t.TimeMS, t.Memory, t.Pids, t.LogCap = "", 0, 0, 0, 0
	argv, err = execArgv(commands, argv)
	return p, t, argv, err
}

func execMode(dir, taskFile string, argv []string, tty bool, steps Steps) int {
	events.silent = true
	signals := catchSignals()
	p, t, argv, err := execInput(dir, taskFile, steps.Commands, argv)
	if err != nil {
		return execFault("%s", sentence(err))
	}
	if tty {
		fmt.Fprintf(os.Stderr, "A container with the files of %d/%s is started ...\n", p.Race, t.Variant)
	}
	pl := newPipeline(p, steps, dir)
	caught := make(chan os.Signal, 1)
	go func() {
		caught <- <-signals
		pl.stop(errCancelled)
	}()
	s, f := pl.connect(pl.root)
	if f == nil {
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
func (pl *pipeline) execute(t *Task, argv []string) int {
	code, cause := execFailed, uint64(0)
	ended := false
	in := newLogReader(func(f frame) {
		switch {
		case f.kind == kindOutput && f.stream == 2:
			os.Stderr.Write(f.data)
		case f.kind == kindOutput:
			os.Stdout.Write(f.data)
		case f.kind == kindExit:
			code, cause, ended = int(f.len), f.val, true
		}
	}, func() {})
	base, source, err := pl.bases.of(t).make(pl.root, pl, t)
	if err != nil {
		return execFault("%s", sentence(err))
	}
	ctx, trace := newTrace(pl.root)
	pl.listen(trace, in)
	ctr := pl.steps.Variant(pl.client, base, source, t)
	_, err = ctr.WithExec(t.RunnerArgv(argv), dagger.ContainerWithExecOpts{Expect: dagger.ReturnTypeAny}).Sync(ctx)
	if err == nil {
		select {
		case <-in.done:
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
		return execFault("the end of the command is not known")
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
