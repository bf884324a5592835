// events.go - what we tell the conductor: one JSON object a line on stdout, one write each; sentences for people on stderr.
package runtime

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"
)

type event struct {
	Seq     int64   `json:"seq"`
	T       int64   `json:"t"`
	Ev      string  `json:"ev"`
	ID      string  `json:"id,omitempty"`
	N       int64   `json:"n,omitempty"`
	State   string  `json:"state,omitempty"`
	Cause   string  `json:"cause,omitempty"`
	Code    string  `json:"code,omitempty"`
	Version string  `json:"version,omitempty"`
	Pid     int     `json:"pid,omitempty"`
	Text    *string `json:"text,omitempty"`
	Tree    *bool   `json:"tree,omitempty"`
}

var events struct {
	sync.Mutex
	seq    int64
	silent bool // exec: stdout is the command's
}

func emit(e event) {
	events.Lock()
	defer events.Unlock()
	if events.silent {
		return
	}
	events.seq++
	e.Seq, e.T = events.seq, time.Now().UnixMilli()
	line, err := json.Marshal(e)
	if err == nil {
		_, err = os.Stdout.Write(append(line, '\n'))
	}
	if err != nil {
		// Nobody would ever learn of anything: the conductor finds the lock free and collects with a new process.
		say("events cannot be written: %v", err)
		os.Exit(3)
	}
}

func emitNote(id, text string) {
	emit(event{Ev: "note", ID: id, Text: &text})
}

func emitFatal(code, text string) {
	emit(event{Ev: "fatal", Code: code, Text: &text})
	say("%s", text)
}

// say writes a line for people, into pipeline.log.
func say(format string, args ...any) {
	text := strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " ")
	fmt.Fprintf(os.Stderr, "%s %s\n", time.Now().UTC().Format("15:04:05.000"), text)
}

var traceparent = regexp.MustCompile(`\s*\[traceparent:[^\]]*\]`)

// sentence makes one line of an error of the SDK.
func sentence(err error) string {
	text := traceparent.ReplaceAllString(err.Error(), "")
	text = strings.Join(strings.Fields(text), " ")
	text = strings.TrimPrefix(text, "input: ")
	text = strings.ToValidUTF8(text, "?")
	if runes := []rune(text); len(runes) > 400 {
		text = string(runes[:400]) + "…"
	}
	return text
}
