// frames_test.go - lines across records, frames and what only looks like one.
package runtime

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

func frameLine(off, val uint64, kind byte, data string) string {
	b64 := "-"
	if kind == kindOutput {
		b64 = base64.StdEncoding.EncodeToString([]byte(data))
	}
	return fmt.Sprintf("Y %d 5 %d %d %d 1 %s", off, val, len(data), kind, b64)
}

func TestLines(t *testing.T) {
	text := "one\ntwo\n\n" + strings.Repeat("y", 33000) + "\nend"
	for step := 1; step < 70000; step = step*3 + 1 {
		var l lines
		var got []string
		for rest := text; rest != ""; {
			n := min(step, len(rest))
			l.feed([]byte(rest[:n]), func(b []byte) { got = append(got, string(b)) })
			rest = rest[n:]
		}
		if strings.Join(got, "\n")+"\nend" != text {
			t.Fatalf("step %d: %d lines", step, len(got))
		}
	}
}

func TestLinesOverlong(t *testing.T) {
	var l lines
	var got []string
	take := func(b []byte) { got = append(got, string(b)) }
	for range 10 {
		l.feed([]byte(strings.Repeat("x", 30000)), take)
	}
	if cap(l.part) > 4*maxLine {
		t.Errorf("it keeps %d bytes", cap(l.part))
	}
	l.feed([]byte("tail\nnext\n"), take)
	if len(got) != 1 || got[0] != "next" {
		t.Errorf("got %q", got)
	}
}

func TestParseFrame(t *testing.T) {
	f, err := parseFrame([]byte(frameLine(18446744073709551615, 7, kindOutput, "a\xff\x00b")))
	if err != nil || string(f.data) != "a\xff\x00b" || f.off != 1<<64-1 || f.val != 7 || f.len != 4 || f.stream != 1 || f.ns != 5 {
		t.Errorf("%+v %v", f, err)
	}
	f, err = parseFrame([]byte("Y 10 5 4 127 1 0 -"))
	if err != nil || f.kind != kindExit || f.len != 127 || f.val != 4 {
		t.Errorf("%+v %v", f, err)
	}
	f, err = parseFrame([]byte("Y 0 0 0 0 0 2 "))
	if err != nil || len(f.data) != 0 {
		t.Errorf("no data: %v", err)
	}
	for _, bad := range []string{"", "Y", "hello", "y 1 2 3 4 0 1 YQ==", "Y 1 2 3 1 0 1", "Y 1 2 3 2 0 1 YQ==", "Y 1 2 3 1 0 1 Y!==", "Y -1 2 3 1 0 1 YQ==",
		"Y 1 2 3 1 300 1 YQ==", "Y 1 2 3 4294967296 1 0 -", " Y 1 2 3 1 0 1 YQ==", "Y 1 2 3 1 0 1 YQ== x"} {
		if f, err := parseFrame([]byte(bad)); err == nil {
			t.Errorf("%q is taken for %+v", bad, f)
		}
	}
}

func TestLogReader(t *testing.T) {
	var got []frame
	starts := 0
	in := newLogReader(func(f frame) { f.data = []byte(string(f.data)); got = append(got, f) }, func() { starts++ })
	text := frameLine(0, 0, kindOutput, "abc") + "\n" + frameLine(3, 0, kindExit, "") + "\n"
	in.record("0", false, []byte("not of a stream"))
	in.record("2", false, []byte("runner: something\n"))
	if starts != 0 {
		t.Error("begun without a frame")
	}
	for i := range text {
		select {
		case <-in.done:
			t.Fatal("over before the exit is in")
		default:
		}
		in.record("1", false, []byte(text[i:i+1]))
	}
	<-in.done
	in.record("1", true, nil)
	in.record("2", true, nil)
	if len(got) != 2 || string(got[0].data) != "abc" || starts != 1 || in.sentence() != "runner: something" {
		t.Errorf("%d frames, %d starts, %q", len(got), starts, in.sentence())
	}
}

func TestLogReaderWithoutExit(t *testing.T) {
	in := newLogReader(func(frame) {}, func() {})
	in.record("2", true, nil)
	in.record("1", false, []byte("what is this\n"))
	in.record("1", true, nil)
	<-in.done
	if in.sentence() != "what is this" {
		t.Errorf("%q", in.sentence())
	}
}
