// frames.go - the runner's frames: one line of ASCII for each record of its log.
//
// Dagger's log stream loses every record that is not valid UTF-8, and its records are whatever one read(2) gave: a line may
// be spread over several, a record may hold many lines.
package runtime

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strconv"
)

const (
	kindOutput = 0
	kindExit   = 1
)

// frame is a record of the idx (see logfile.go) with its bytes of the log.
type frame struct {
	record
	data []byte
}

// A frame covers at most 24 KiB, 32 KiB in base64; what is longer is no frame.
const maxLine = 64 << 10

// lines puts lines together.
type lines struct {
	part     []byte
	overlong bool
}

// feed calls fn with each line that is complete now, without its newline; the bytes are fn's only until it returns.
func (l *lines) feed(text []byte, fn func([]byte)) {
	for {
		i := bytes.IndexByte(text, '\n')
		if i < 0 {
			break
		}
		line := text[:i]
		if len(l.part) > 0 {
			l.part = append(l.part, line...)
			line = l.part
		}
		if !l.overlong {
			fn(line)
		}
		l.part, l.overlong = l.part[:0], false
		text = text[i+1:]
	}
	if len(l.part)+len(text) > maxLine {
		l.part, l.overlong = l.part[:0], true
	}
	if !l.overlong {
		l.part = append(l.part, text...)
	}
}

var errNoFrame = errors.New("not a frame of the runner")

// parseFrame reads "Y off ns val len kind stream base64"; "~" before the base64 says that its bytes are an LZ4 block.
func parseFrame(line []byte) (frame, error) {
	var f frame
	part := bytes.Split(line, []byte{' '})
	if len(part) != 8 || string(part[0]) != "Y" {
		return f, errNoFrame
	}
	var n [6]uint64
	for i := range n {
		bits := 64
		if i >= 3 {
			bits = []int{32, 8, 8}[i-3]
		}
		v, err := strconv.ParseUint(string(part[i+1]), 10, bits)
		if err != nil {
			return f, errNoFrame
		}
		n[i] = v
	}
	f.record = record{off: n[0], ns: n[1], val: n[2], len: uint32(n[3]), kind: byte(n[4]), stream: byte(n[5])}
	if f.kind != kindOutput {
		return f, nil
	}
	text, packed := bytes.CutPrefix(part[7], []byte("~"))
	data, err := base64.StdEncoding.AppendDecode(nil, text)
	if err == nil && packed && f.len <= maxLine {
		data, err = lz4Unpack(data, int(f.len))
	}
	if err != nil || len(data) != int(f.len) {
		return f, errNoFrame
	}
	f.data = data
	return f, nil
}
