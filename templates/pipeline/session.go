// session.go - the connection to the engine: a `dagger session` process of our own.
//
// The SDK would start it too, but hides its process, ignores a deadline while connecting and never gives up; and the process
// itself ignores TERM and the end of its input until it is connected. So we start it, with a timer, and it dies with us.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

type session struct {
	Port  int    `json:"port"`
	Token string `json:"session_token"`

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

// startSession returns at the latest after the plan's time. Call it on the locked thread of main.
func startSession(ctx context.Context, p *plan) (*session, error) {
	s := &session{cmd: exec.Command(p.CLI, "session", "--label", "dagger.io/sdk.name:go"), done: make(chan struct{})}
	s.cmd.Env = cliEnv(p)
	s.cmd.Dir = "/"
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	s.cmd.Stderr = &s.stderr
	var err error
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	first := make(chan error, 1)
	go s.watch(stdout, first)
	limit := time.Duration(p.ConnectMS) * time.Millisecond
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
		return nil, err
	}
	return s, nil
}

// watch reads the one line that says where the session is, then waits for the end of the process.
func (s *session) watch(stdout io.Reader, first chan<- error) {
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
func (s *session) close(limit time.Duration) {
	s.stdin.Close()
	select {
	case <-s.done:
	case <-time.After(limit):
		s.kill()
	}
}

func (s *session) kill() {
	s.cmd.Process.Kill()
	select {
	case <-s.done:
	case <-time.After(time.Second):
	}
}

// cliVersion asks the program itself: "dagger v0.21.8 (...)".
func cliVersion(ctx context.Context, p *plan) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(p.ConnectMS)*time.Millisecond)
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
