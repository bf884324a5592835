// connect.go - from the plan to a client that works, or a sentence with what to do.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"dagger.io/dagger"
)

// fault ends the process: a code of the contract and a sentence with the next step.
type fault struct {
	code, text string
}

// connect must be called on the locked thread of main. On a fault the session is gone.
func connect(ctx context.Context, p *plan) (*session, *dagger.Client, *fault) {
	if _, err := os.Stat(p.CLI); err != nil {
		return nil, nil, &fault{"engine_absent", "no Dagger CLI at " + p.CLI + ": install Dagger " + sdkVersion + " or choose another engine"}
	}
	v, err := cliVersion(ctx, p)
	if err != nil {
		return nil, nil, &fault{"version", sentence(err) + ": install the Dagger CLI " + sdkVersion}
	}
	if v != sdkVersion {
		return nil, nil, &fault{"version", fmt.Sprintf("the Dagger CLI %s is %s, the pipeline needs %s: install that version", p.CLI, v, sdkVersion)}
	}
	s, err := startSession(ctx, p)
	if err != nil {
		return nil, nil, &fault{"engine_absent", "no Dagger engine answers (" + sentence(err) + "): start it, or choose another engine with --engine"}
	}
	for name, value := range map[string]string{"DAGGER_SESSION_PORT": strconv.Itoa(s.Port), "DAGGER_SESSION_TOKEN": s.Token} {
		if err := os.Setenv(name, value); err != nil {
			s.kill()
			return nil, nil, &fault{"session", err.Error()}
		}
	}
	for _, name := range []string{"TRACEPARENT", "TRACESTATE", "BAGGAGE"} {
		os.Unsetenv(name) // the SDK would put our queries into an outer trace
	}
	client, err := dagger.Connect(ctx)
	if err == nil {
		v, err = engineVersion(ctx, client, time.Duration(p.ConnectMS)*time.Millisecond)
	}
	if err != nil {
		s.kill()
		return nil, nil, &fault{"connect", "the Dagger engine does not answer (" + sentence(err) + "): look at its log, then try again"}
	}
	if v != sdkVersion {
		s.kill()
		return nil, nil, &fault{"version", fmt.Sprintf("the Dagger engine is %s, the pipeline needs %s: start an engine of that version", v, sdkVersion)}
	}
	return s, client, nil
}

func engineVersion(ctx context.Context, client *dagger.Client, limit time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return client.Version(ctx)
}
