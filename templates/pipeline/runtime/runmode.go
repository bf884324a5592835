// runmode.go - `pipeline run DIR`: the process of one race on one engine.
package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

var errTooLate = errors.New("another pipeline worked here, or a conductor found the lock free and gave this one up")

// holdLock: the lock is free exactly when this process is gone. Its file is empty until a process takes it; a conductor that finds
// the lock free writes into it, so that a process that had only just been started does not begin any more.
func holdLock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		err = notUsed(f)
	}
	if err == nil {
		_, err = fmt.Fprintf(f, "%d\n", os.Getpid())
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func notUsed(f *os.File) error {
	st, err := f.Stat()
	if err == nil && st.Size() > 0 {
		err = errTooLate
	}
	return err
}

// runMode: 0 = bye, 2 = fatal, 3 = another one has the lock.
func runMode(dir string, steps Steps) int {
	signals := catchSignals()
	lock, err := holdLock(dir)
	if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, errTooLate) {
		say("%s: %s", dir, sentence(err))
		return 3
	}
	if err != nil {
		emitFatal("plan", "the lock cannot be taken: "+sentence(err))
		return 2
	}
	defer lock.Close()
	p, err := readPlan(dir)
	if err != nil {
		emitFatal("plan", sentence(err))
		return 2
	}
	pl := newPipeline(p, steps, dir)
	s, code := pl.open(signals)
	if s == nil {
		return code
	}
	pl.loop(signals)
	return pl.leave(s)
}

// open connects; a signal meanwhile ends it.
func (pl *pipeline) open(signals chan os.Signal) (*Session, int) {
	ctx, cancel := context.WithCancelCause(pl.root)
	connected := make(chan struct{})
	go func() {
		select {
		case <-signals:
			cancel(errCancelled)
		case <-connected:
		}
	}()
	s, f := pl.connect(ctx)
	close(connected)
	if f != nil && ctx.Err() != nil {
		emit(event{Ev: "bye"})
		return nil, 0
	}
	if f != nil {
		emitFatal(f.code, f.text)
		return nil, 2
	}
	emit(event{Ev: "hello", Version: sdkVersion, Pid: os.Getpid()})
	if err := pl.follow(s); err != nil {
		s.kill()
		emitFatal("session", sentence(err)+": try again")
		return nil, 2
	}
	emit(event{Ev: "ready"})
	return s, 0
}

// leave waits a moment for the ends of what still lives, then lets the session go.
func (pl *pipeline) leave(s *Session) int {
	for end := time.Now().Add(2 * time.Second); len(pl.live()) > 0 && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	gone := pl.goneText()
	pl.stop(errCancelled)
	if gone != "" {
		s.kill() // it would hang, and hold up an engine that wants to end
		emitFatal("session", gone+": start it again, what was saved until then is kept")
		return 2
	}
	s.close(5 * time.Second)
	pl.sweep()
	emit(event{Ev: "bye"})
	return 0
}

// sweep removes the trees that were replaced: by now nobody reads in them any more.
func (pl *pipeline) sweep() {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	for id := range pl.known {
		old := filepath.Join(pl.plan.Dir, strings.TrimPrefix(id, "check:"), "work.old")
		if err := os.RemoveAll(old); err != nil {
			say("%s: %v", old, err)
		}
	}
}
