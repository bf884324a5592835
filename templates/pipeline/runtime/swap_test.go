// swap_test.go - work/ is the old tree or the new one, and stays when the new one is damaged.
package runtime

import (
	"archive/tar"
	"os"
	"path/filepath"
	"testing"
)

func TestReplaceTree(t *testing.T) {
	dir := t.TempDir()
	work := filepath.Join(dir, "work")
	one := filepath.Join(dir, "one.tar")
	put := func(name string, cut int) error {
		b := tarOf(t, tar.Header{Name: name}).Bytes()
		os.WriteFile(one, b[:len(b)-cut], 0o600)
		_, err := replaceTree(dir, one)
		return err
	}
	only := func(dir, name string) {
		t.Helper()
		list, err := os.ReadDir(dir)
		if err != nil || len(list) != 1 || list[0].Name() != name {
			t.Fatal(dir, list, err)
		}
	}
	for _, name := range []string{"first", "second", "third"} {
		if err := put(name, 0); err != nil {
			t.Fatal(err)
		}
		only(work, name)
	}
	only(filepath.Join(dir, "work.old"), "second")
	if err := put("fourth", 1024); err == nil {
		t.Error("a damaged tar is taken")
	}
	only(work, "third")
	if _, err := os.Lstat(filepath.Join(dir, "work.new")); err == nil {
		t.Error("work.new is left")
	}
	// What a killed pipeline left must not stop the next one, nor be followed.
	precious := filepath.Join(dir, "precious")
	os.Mkdir(precious, 0o755)
	os.WriteFile(filepath.Join(precious, "file"), nil, 0o644)
	os.Symlink(precious, filepath.Join(dir, "work.new"))
	if err := put("fifth", 0); err != nil {
		t.Fatal(err)
	}
	only(work, "fifth")
	only(precious, "file")
}
