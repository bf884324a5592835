// lz4_test.go - blocks as the format describes them, and what is none: never a panic, never too much.
package runtime

import (
	"encoding/base64"
	"math/rand"
	"strings"
	"testing"
)

// block: "abcd", then 4 + 15 + 255 + 1 bytes from 4 back, then "end".
var block = []byte("\x4fabcd\x04\x00\xff\x01\x30end")

func TestLZ4Unpack(t *testing.T) {
	want := strings.Repeat("abcd", 200)[:4+4+15+255+1] + "end"
	got, err := lz4Unpack(block, len(want))
	if err != nil || string(got) != want {
		t.Errorf("%q %v", got, err)
	}
	long := append([]byte("\xf0\x05"), strings.Repeat("x", 20)...)
	if got, err := lz4Unpack(long, 20); err != nil || string(got) != strings.Repeat("x", 20) {
		t.Errorf("%q %v", got, err)
	}
	for _, size := range []int{0, 3, len(want) - 1, len(want) + 1} {
		if _, err := lz4Unpack(block, size); err == nil {
			t.Errorf("taken for %d bytes", size)
		}
	}
	for _, bad := range []string{"\x40abc", "\x00\x00\x00\x00", "\x10a\x02\x00\x00", "\x10a\x00\x00\x00", "\x10a\x01", "\xf0", "\xf0\xff", "\x1fa\x01\x00\xff"} {
		if got, err := lz4Unpack([]byte(bad), 5); err == nil {
			t.Errorf("%q is taken for %q", bad, got)
		}
	}
	for range 20000 {
		b := []byte(string(block))
		for range 1 + rand.Intn(4) {
			b[rand.Intn(len(b))] = byte(rand.Intn(256))
		}
		if got, err := lz4Unpack(b[:1+rand.Intn(len(b))], len(want)); err == nil && len(got) != len(want) {
			t.Fatalf("%q gives %d bytes", b, len(got))
		}
	}
}

func TestLZ4Frame(t *testing.T) {
	text := base64.StdEncoding.EncodeToString(block)
	f, err := parseFrame([]byte("Y 0 0 0 282 0 1 ~" + text))
	if err != nil || len(f.data) != 282 || !strings.HasSuffix(string(f.data), "end") {
		t.Errorf("%+v %v", f, err)
	}
	for _, bad := range []string{"Y 0 0 0 281 0 1 ~" + text, "Y 0 0 0 282 0 1 ~", "Y 0 0 0 282 0 1 ~!", "Y 0 0 0 4294967295 0 1 ~" + text, "Y 0 0 0 282 0 1 ~~" + text} {
		if f, err := parseFrame([]byte(bad)); err == nil {
			t.Errorf("%q is taken for %+v", bad, f)
		}
	}
}
