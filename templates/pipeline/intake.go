// intake.go - what comes out of one exec: the runner's frames, and its own sentence when it failed.
package main

import (
	"strings"
	"sync"
)

type intake struct {
	frame func(frame) // each frame, in order
	start func()      // once: the exec began

	once  sync.Once
	out   lines // used by the reader of telemetry only
	eofs  int
	quiet chan struct{} // closed when nothing more will come

	mu    sync.Mutex
	fault []byte // what was no frame
	ended bool
}

func newIntake(frame func(frame), start func()) *intake {
	return &intake{frame: frame, start: start, quiet: make(chan struct{})}
}

func (in *intake) begun() {
	in.once.Do(in.start)
}

// record takes one record of the log stream.
func (in *intake) record(stream string, eof bool, body []byte) {
	switch {
	case stream == "" || stream == "0":
	case eof:
		if in.eofs++; in.eofs == 2 {
			in.end()
		}
	case stream == "1":
		in.begun()
		in.out.feed(body, in.line)
	default:
		in.words(body)
	}
}

func (in *intake) line(line []byte) {
	f, err := parseFrame(line)
	if err != nil {
		in.words(append(line[:len(line):len(line)], '\n'))
		return
	}
	in.frame(f)
	if f.kind == kindExit {
		in.end()
	}
}

func (in *intake) end() {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.ended {
		in.ended = true
		close(in.quiet)
	}
}

func (in *intake) words(text []byte) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.fault) < 4000 {
		in.fault = append(in.fault, text...)
	}
}

// sentence is what the runner said, "" = nothing.
func (in *intake) sentence() string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return strings.ToValidUTF8(strings.Join(strings.Fields(string(in.fault)), " "), "?")
}
