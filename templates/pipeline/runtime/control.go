// control.go - what the conductor asks for: whole lines appended to control.jsonl, each with a number.
package runtime

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
)

type control struct {
	N          int64  `json:"n"`
	Start      string `json:"start"`
	Stop       string `json:"stop"`
	Cancel     string `json:"cancel"`
	Checkpoint string `json:"checkpoint"`
	Quit       bool   `json:"quit"`
}

type controlFile struct {
	path string
	file *os.File
	off  int64 // of the first byte not yet taken
	last int64 // the greatest number seen
}

// read returns the new lines. A line without its end, and one with a number that was there, are left out.
func (c *controlFile) read() ([]control, error) {
	if c.file == nil {
		f, err := os.Open(c.path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		c.file = f
	}
	text, err := io.ReadAll(io.NewSectionReader(c.file, c.off, 1<<30))
	if err != nil {
		return nil, err
	}
	end := bytes.LastIndexByte(text, '\n') + 1
	c.off += int64(end)
	return c.parse(text[:end]), nil
}

func (c *controlFile) parse(text []byte) []control {
	var out []control
	for line := range bytes.SplitSeq(text, []byte{'\n'}) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var l control
		if err := json.Unmarshal(line, &l); err != nil {
			say("control: a line that is none: %.200q", line)
			continue
		}
		if l.N > c.last {
			c.last = l.N
			out = append(out, l)
		}
	}
	return out
}
