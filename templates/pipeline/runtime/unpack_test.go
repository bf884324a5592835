// unpack_test.go - hostile tars: nothing outside the directory changes, each refusal is counted.
package runtime

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func tarOf(t *testing.T, headers ...tar.Header) *bytes.Buffer {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		data := []byte("data of " + h.Name)
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(data))
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			w.Write(data)
		}
	}
	w.Close()
	return &b
}

// world is a directory with something to protect, and an empty one to unpack into.
func world(t *testing.T) (outer, into string) {
	outer = t.TempDir()
	into = filepath.Join(outer, "work.new")
	os.Mkdir(into, 0o755)
	os.WriteFile(filepath.Join(outer, "precious"), []byte("precious"), 0o644)
	return outer, into
}

func untouched(t *testing.T, outer string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(outer, "precious"))
	if err != nil || string(b) != "precious" {
		t.Errorf("something outside was changed: %q %v", b, err)
	}
	entries, _ := os.ReadDir(outer)
	if len(entries) != 2 {
		t.Errorf("something outside was made: %v", entries)
	}
}

func TestUnpackGood(t *testing.T) {
	outer, into := world(t)
	then := time.Unix(1600000000, 0)
	refused, err := unpack(tarOf(t, tar.Header{Name: "./", Typeflag: tar.TypeDir, Mode: 0o700},
		tar.Header{Name: "./a", Mode: 0o600, ModTime: then}, tar.Header{Name: "./d/", Typeflag: tar.TypeDir, Mode: 0},
		tar.Header{Name: "./d/x", Mode: 0o4711, ModTime: then}, tar.Header{Name: "./without/parent", ModTime: then},
		tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "d/x"}, tar.Header{Name: "h", Typeflag: tar.TypeLink, Linkname: "./d/x"},
		tar.Header{Name: "./.git", Typeflag: tar.TypeDir}, tar.Header{Name: "./.git/config"},
		tar.Header{Name: "Größe \xff\n日本", ModTime: then}, tar.Header{Name: ".gitignore"}, tar.Header{Name: "usr/bin/python", Typeflag: tar.TypeSymlink, Linkname: "/usr/bin/python3"}), into)
	if err != nil || refused != 0 {
		t.Fatal(refused, err)
	}
	for name, mode := range map[string]os.FileMode{"a": 0o644, "d": 0o755 | os.ModeDir, "d/x": 0o755, "h": 0o755, "without/parent": 0o644, ".gitignore": 0o644, "Größe \xff\n日本": 0o644} {
		st, err := os.Lstat(filepath.Join(into, name))
		if err != nil || st.Mode() != mode {
			t.Errorf("%s: %v %v", name, st, err)
		}
	}
	if st, _ := os.Stat(filepath.Join(into, "a")); !st.ModTime().Equal(then) {
		t.Error("the time is lost")
	}
	if link, err := os.Readlink(filepath.Join(into, "l")); err != nil || link != "d/x" {
		t.Error(link, err)
	}
	if _, err := os.Lstat(filepath.Join(into, ".git")); err == nil {
		t.Error(".git is there")
	}
	untouched(t, outer)
}

func TestUnpackHostile(t *testing.T) {
	for _, h := range [][]tar.Header{
		{{Name: "../precious"}},
		{{Name: "a/../../precious"}},
		{{Name: "/tmp/yolodeck-absolute"}},
		{{Name: "l", Typeflag: tar.TypeSymlink, Linkname: ".."}, {Name: "l/precious"}},
		{{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "../precious"}, {Name: "l"}},
		{{Name: "l", Typeflag: tar.TypeSymlink, Linkname: ".."}, {Name: "l/new", Typeflag: tar.TypeDir}},
		{{Name: "l", Typeflag: tar.TypeSymlink, Linkname: ".."}, {Name: "l/s", Typeflag: tar.TypeSymlink, Linkname: "x"}},
		{{Name: "h", Typeflag: tar.TypeLink, Linkname: "../precious"}},
		{{Name: "h", Typeflag: tar.TypeLink, Linkname: "/etc/passwd"}},
		{{Name: "l", Typeflag: tar.TypeSymlink, Linkname: ".."}, {Name: "h", Typeflag: tar.TypeLink, Linkname: "l/precious"}},
		{{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "../precious"}, {Name: "h", Typeflag: tar.TypeLink, Linkname: "l"}},
		{{Name: "dev", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3}},
		{{Name: "dev", Typeflag: tar.TypeBlock, Devmajor: 8}},
		{{Name: "pipe", Typeflag: tar.TypeFifo}},
		{{Name: "sub/.git/hooks/pre-commit"}},
		{{Name: ".GIT/config"}},
		{{Name: "h2"}, {Name: "x/.Git", Typeflag: tar.TypeSymlink, Linkname: "h2"}},
		{{Name: "twice"}, {Name: "twice"}},
		{{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "nowhere"}, {Name: "l"}},
		{{Name: "f"}, {Name: "f/below"}},
		{{Name: "l", Typeflag: tar.TypeSymlink}},
	} {
		outer, into := world(t)
		refused, err := unpack(tarOf(t, h...), into)
		if err != nil || refused != 1 {
			t.Errorf("%v: refused %d, %v", h, refused, err)
		}
		untouched(t, outer)
		if _, err := os.Lstat("/tmp/yolodeck-absolute"); err == nil {
			t.Fatal("an absolute name was followed")
		}
	}
}

func TestUnpackLimits(t *testing.T) {
	for _, u := range []unpacker{{limit: 3, limitLen: 1 << 30}, {limit: 100, limitLen: 20}} {
		_, into := world(t)
		root, _ := os.OpenRoot(into)
		u.root, u.parent = root, "."
		err := u.all(tar.NewReader(tarOf(t, tar.Header{Name: "a"}, tar.Header{Name: "b"}, tar.Header{Name: "c"}, tar.Header{Name: "d"})))
		if err == nil || !strings.Contains(err.Error(), "the tree") {
			t.Error(err)
		}
		root.Close()
	}
	_, into := world(t)
	whole := tarOf(t, tar.Header{Name: "a"}).Bytes()
	if _, err := unpack(bytes.NewReader(whole[:515]), into); err == nil {
		t.Error("a tar that ends early is taken")
	}
}
