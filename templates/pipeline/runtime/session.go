// session.go - the connection to the engine: a `dagger session` process of our own.
//
// The SDK would start it too, but hides its process, ignores a deadline while connecting and never gives up; and the process
// itself ignores TERM and the end of its input until it is connected. So we start it, with a timer, and it dies with us.
package runtime

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Session is the process, and what the plan says of it.
type Session struct {
	Port  int    `json:"port"`
	Token string `json:"session_token"`

	plan   *plan
	cmd    *exec.Cmd
	stdin  io.Closer
	stderr lastWords
	done   chan struct{} // closed when the process is gone
}

// lastWords keeps the end of what the CLI said, and passes it on to pipeline.log.
type lastWords struct {
	mu   sync.Mutex
	text []byte
}

func (l *lastWords) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	if len(l.text) > 2000 {
		l.text = bytes.Clone(l.text[len(l.text)-2000:])
	}
	return os.Stderr.Write(p)
}

func (l *lastWords) line() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := bytes.TrimSpace(l.text)
	return string(text[bytes.LastIndexByte(text, '\n')+1:])
}

// cliEnv: no telemetry to anyone, no outer session, the runner host of the plan.
func cliEnv(p *plan) []string {
	var env []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(name, "DAGGER_SESSION_") || strings.HasPrefix(name, "DAGGER_CLOUD_") || strings.HasPrefix(name, "OTEL_") ||
			name == "TRACEPARENT" || name == "TRACESTATE" || name == "BAGGAGE" {
			continue
		}
		env = append(env, kv)
	}
	env = append(env, "DO_NOT_TRACK=1", "DAGGER_NO_UPDATE_CHECK=1", "DAGGER_NO_NAG=1", "DAGGER_SILENT=1", "NO_COLOR=1")
	if p.RunnerHost != "" {
		env = append(env, "_EXPERIMENTAL_DAGGER_RUNNER_HOST="+p.RunnerHost)
	}
	return env
}

// Start checks the version of the dagger command, and starts a session with the engine, within the plan's time. Call it on the
// locked thread of Main.
func (s *Session) Start(ctx context.Context) error {
	p := s.plan
	if _, err := os.Stat(p.CLI); err != nil {
		return &fault{"engine_absent", "no Dagger CLI at " + p.CLI + ": install Dagger " + sdkVersion + " or choose another engine"}
	}
	v, err := cliVersion(ctx, p)
	if err != nil {
		return &fault{"version", sentence(err) + ": install the Dagger CLI " + sdkVersion}
	}
	if v != sdkVersion {
		return &fault{"version", fmt.Sprintf("the Dagger CLI %s is %s, the pipeline needs %s: install that version", p.CLI, v, sdkVersion)}
	}
	if err := s.spawn(ctx); err != nil {
		return &fault{"engine_absent", "no Dagger engine answers (" + sentence(err) + "): start it, or choose another engine with --engine"}
	}
	for name, value := range map[string]string{"DAGGER_SESSION_PORT": strconv.Itoa(s.Port), "DAGGER_SESSION_TOKEN": s.Token} {
		if err := os.Setenv(name, value); err != nil {
			return &fault{"session", err.Error()}
		}
	}
	for _, name := range []string{"TRACEPARENT", "TRACESTATE", "BAGGAGE"} {
		os.Unsetenv(name) // the SDK would put our queries into an outer trace
	}
	return nil
}

func (s *Session) spawn(ctx context.Context) error {
	s.cmd, s.done = exec.Command(s.plan.CLI, "session", "--label", "dagger.io/sdk.name:go"), make(chan struct{})
	s.cmd.Env = cliEnv(s.plan)
	s.cmd.Dir = "/"
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	s.cmd.Stderr = &s.stderr
	var err error
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		return err
	}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	first := make(chan error, 1)
	go s.watch(stdout, first)
	limit := s.plan.limit()
	select {
	case err = <-first:
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-time.After(limit):
		err = fmt.Errorf("no answer within %v", limit)
	}
	if err != nil {
		s.kill()
		if words := s.stderr.line(); words != "" {
			err = fmt.Errorf("%w: %s", err, words)
		}
	}
	return err
}

// watch reads the one line that says where the session is, then waits for the end of the process.
func (s *Session) watch(stdout io.Reader, first chan<- error) {
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, s)
	}
	first <- err
	io.Copy(io.Discard, stdout)
	s.cmd.Wait()
	close(s.done)
}

// close lets it end by itself; an engine that is gone makes it hang.
func (s *Session) close(limit time.Duration) {
	s.stdin.Close()
	select {
	case <-s.done:
	case <-time.After(limit):
		s.kill()
	}
}

// kill does nothing to one that was never started.
func (s *Session) kill() {
	if s.cmd == nil || s.cmd.Process == nil {
		return
	}
	s.cmd.Process.Kill()
	select {
	case <-s.done:
	case <-time.After(time.Second):
	}
}
