// connect.go - from the plan to a client that works, or a sentence with what to do.
package runtime

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"dagger.io/dagger"
)

// fault ends the process: a code of the contract and a sentence with the next step.
type fault struct {
	code, text string
}

func (f *fault) Error() string {
	return f.text
}

// connect must be called on the locked thread of Main. On a fault the session is gone.
func (pl *pipeline) connect(ctx context.Context) (*Session, *fault) {
	s := &Session{plan: &pl.plan}
	client, err := pl.steps.Connect(ctx, s)
	if err == nil {
		pl.client = client
		return s, nil
	}
	s.kill()
	var f *fault
	if !errors.As(err, &f) {
		f = &fault{"connect", "the Dagger engine does not answer (" + sentence(err) + "): look at its log, then try again"}
	}
	return nil, f
}

// cliVersion asks the program itself: "dagger v0.21.8 (...)".
func cliVersion(ctx context.Context, p *plan) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, p.limit())
	defer cancel()
	cmd := exec.CommandContext(ctx, p.CLI, "version")
	cmd.Env = cliEnv(p)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s version: %w", p.CLI, err)
	}
	for _, word := range strings.Fields(string(out)) {
		if len(word) > 1 && word[0] == 'v' && word[1] >= '0' && word[1] <= '9' {
			return word, nil
		}
	}
	return "", fmt.Errorf("%s version says %.80q", p.CLI, out)
}

// CheckEngine asks the engine for its version.
func (s *Session) CheckEngine(ctx context.Context, client *dagger.Client) error {
	v, err := engineVersion(ctx, client, s.plan.limit())
	if err == nil && v != sdkVersion {
		err = &fault{"version", fmt.Sprintf("the Dagger engine is %s, the pipeline needs %s: start an engine of that version", v, sdkVersion)}
	}
	return err
}

func engineVersion(ctx context.Context, client *dagger.Client, limit time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return client.Version(ctx)
}
