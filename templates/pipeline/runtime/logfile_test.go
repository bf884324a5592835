// logfile_test.go - the host's log is a prefix of the container's, whatever comes, is lost, or comes twice.
package runtime

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// raw is a log with n outputs, notes between them, and the exit.
func raw(n int) (frames []frame, log, idx []byte) {
	put := func(kind byte, data []byte) {
		r := record{off: uint64(len(log)), ns: uint64(len(idx)), len: uint32(len(data)), kind: kind, stream: 1}
		frames = append(frames, frame{r, data})
		log = append(log, data...)
		idx = append(idx, r.encode()...)
	}
	for i := range n {
		put(kindOutput, bytes.Repeat([]byte{byte(i), 0xff}, i*37%500+1))
		if i%3 == 0 {
			put(3, nil)
		}
	}
	put(kindExit, nil)
	return frames, log, idx
}

func tempLog(t *testing.T, log, idx []byte) (string, string) {
	dir := t.TempDir()
	l, i := filepath.Join(dir, "log"), filepath.Join(dir, "idx")
	for path, b := range map[string][]byte{l: log, i: idx} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return l, i
}

func openTest(t *testing.T, l, i string) *hostLog {
	h, err := openLog(l, i)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.close)
	return h
}

func expect(t *testing.T, what, path string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%s: %d bytes, expected %d (%v)", what, len(got), len(want), err)
	}
}

func TestFramesTwice(t *testing.T) {
	frames, log, idx := raw(50)
	l, i := tempLog(t, nil, nil)
	h := openTest(t, l, i)
	for k := range frames {
		for _, f := range frames[max(0, k-3) : k+1] {
			h.add(f)
		}
	}
	expect(t, "log", l, log)
	expect(t, "idx", i, idx)
	if exit, n, size := h.state(); !exit || n != int64(len(frames)) || size != uint64(len(log)) {
		t.Error(exit, n, size)
	}
}

func TestLostFrameThenFill(t *testing.T) {
	frames, log, idx := raw(50)
	rl, ri := tempLog(t, log, idx)
	for lost := range frames {
		l, i := tempLog(t, nil, nil)
		h := openTest(t, l, i)
		for k, f := range frames {
			if k != lost {
				h.add(f)
			}
		}
		if exit, _, _ := h.state(); frames[lost].kind == kindOutput && exit {
			t.Fatal("an exit after a hole")
		}
		if err := h.fill(rl, ri); err != nil {
			t.Fatal(err)
		}
		h.add(frames[len(frames)-1])
		expect(t, "log", l, log)
		expect(t, "idx", i, idx)
	}
}

func TestTornFiles(t *testing.T) {
	frames, log, idx := raw(20)
	rl, ri := tempLog(t, log, idx)
	for cut := 0; cut < len(idx); cut += 29 {
		l, i := tempLog(t, log[:min(len(log), cut*20)], idx[:cut])
		if cut > 0 && cut*20 < len(log) {
			os.WriteFile(l, append(log[:0:0], log...), 0o600)
		}
		h := openTest(t, l, i)
		_, n, size := h.state()
		if n != int64(cut/recordSize) {
			t.Fatal("records", n, cut)
		}
		expect(t, "cut log", l, log[:size])
		for _, f := range frames[:min(len(frames), 9)] {
			h.add(f)
		}
		if err := h.fill(rl, ri); err != nil {
			t.Fatal(err)
		}
		expect(t, "log", l, log)
		expect(t, "idx", i, idx)
	}
}

func TestFillManyRecords(t *testing.T) {
	frames, log, idx := raw(3 * fillRecords)
	rl, ri := tempLog(t, log, append(idx[:len(idx):len(idx)], "torn"...))
	l, i := tempLog(t, nil, nil)
	h := openTest(t, l, i)
	for _, f := range frames[:fillRecords/2] {
		h.add(f)
	}
	if err := h.fill(rl, ri); err != nil {
		t.Fatal(err)
	}
	expect(t, "log", l, log)
	expect(t, "idx", i, idx)
}

func TestFillRefusesNonsense(t *testing.T) {
	_, log, idx := raw(5)
	for name, bad := range map[string][2][]byte{
		"short log": {log[:3], idx},
		"magic":     {log, append(bytes.Repeat([]byte{1}, recordSize), idx...)},
		"hole":      {log, idx[2*recordSize:]},
	} {
		rl, ri := tempLog(t, bad[0], bad[1])
		l, i := tempLog(t, nil, nil)
		h := openTest(t, l, i)
		if err := h.fill(rl, ri); err == nil {
			t.Errorf("%s: taken", name)
		}
		expect(t, name, i, nil)
	}
}

func TestLogIsNoLink(t *testing.T) {
	l, i := tempLog(t, nil, nil)
	os.Remove(l)
	os.Symlink(i, l)
	if _, err := openLog(l, i); err == nil {
		t.Error("a link is taken for the log")
	}
}
