// logreader.go - what comes out of one exec: the runner's frames, and its own sentence when it failed.
package runtime

import (
	"strings"
	"sync"
)

type logReader struct {
	frame func(frame) // each frame, in order
	start func()      // once: the exec began

	once sync.Once
	out  lines // used by the reader of telemetry only
	eofs int
	done chan struct{} // closed when nothing more will come

	mu    sync.Mutex
	fault []byte // what was no frame
	ended bool
}

func newLogReader(frame func(frame), start func()) *logReader {
	return &logReader{frame: frame, start: start, done: make(chan struct{})}
}

func (in *logReader) started() {
	in.once.Do(in.start)
}

// record takes one record of the log stream.
func (in *logReader) record(stream string, eof bool, body []byte) {
	switch {
	case stream == "" || stream == "0":
	case eof:
		if in.eofs++; in.eofs == 2 {
			in.end()
		}
	case stream == "1":
		in.started()
		in.out.feed(body, in.line)
	default:
		in.addFault(body)
	}
}

func (in *logReader) line(line []byte) {
	f, err := parseFrame(line)
	if err != nil {
		in.addFault(append(line[:len(line):len(line)], '\n'))
		return
	}
	in.frame(f)
	if f.kind == kindExit {
		in.end()
	}
}

func (in *logReader) end() {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.ended {
		in.ended = true
		close(in.done)
	}
}

func (in *logReader) addFault(text []byte) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.fault) < 4000 {
		in.fault = append(in.fault, text...)
	}
}

// sentence is what the runner said, "" = nothing.
func (in *logReader) sentence() string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return strings.ToValidUTF8(strings.Join(strings.Fields(string(in.fault)), " "), "?")
}
