// watch.go - is the engine still there? An engine that goes away cleanly must be left at once, or it wipes its store.
package runtime

import (
	"context"
	"errors"
	"time"
)

var errEngineGone = errors.New("the Dagger engine went away")

// alive asks the engine, unless it is known to be gone.
func (pl *pipeline) alive() bool {
	pl.mu.Lock()
	gone := pl.gone != ""
	pl.mu.Unlock()
	if gone {
		return false
	}
	// Not below root: TERM ends that, and the engine is alive all the same.
	_, err := engineVersion(context.Background(), pl.client, 1200*time.Millisecond)
	if errors.Is(err, context.DeadlineExceeded) {
		// An engine that went away refuses at once; one that is silent may only have much to do.
		_, err = engineVersion(context.Background(), pl.client, 8*time.Second)
	}
	if err != nil {
		pl.engineGone(sentence(err))
	}
	return err == nil
}

func (pl *pipeline) engineGone(why string) {
	pl.mu.Lock()
	if pl.gone == "" {
		pl.gone = errEngineGone.Error()
		say("%s: %s", pl.gone, why)
	}
	pl.mu.Unlock()
	pl.stop(errEngineGone)
}

func (pl *pipeline) goneText() string {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	return pl.gone
}

// follow subscribes to the telemetry and returns when it flows: nothing of what is started afterwards is missed.
func (pl *pipeline) follow(s *Session) error {
	go func() {
		<-s.done
		if pl.root.Err() == nil {
			pl.engineGone("its session ended: " + s.stderr.line())
		}
	}()
	cut := func(err error) {
		if pl.alive() {
			say("telemetry was cut: %v", err)
		}
	}
	for _, f := range []*sse{s.follow(pl.root, "/v1/logs", pl.onLogs, cut), s.follow(pl.root, "/v1/traces", pl.onSpans, cut)} {
		select {
		case <-f.ready:
		case <-pl.root.Done():
			return context.Cause(pl.root)
		case <-time.After(pl.plan.limit()):
			return errors.New("the engine's telemetry does not come")
		}
	}
	return nil
}
