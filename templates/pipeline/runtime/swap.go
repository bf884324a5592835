// swap.go - a new tree takes the place of work/ at once: who looks sees the old one or the new one, never half of one.
package runtime

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// replaceTree unpacks a tar beside work/ and exchanges them. The one before is kept as work.old until the next time: somebody
// may still read in it. On an error work/ is what it was.
func replaceTree(dir, tarPath string) (refused int, err error) {
	fresh, work, old := filepath.Join(dir, "work.new"), filepath.Join(dir, "work"), filepath.Join(dir, "work.old")
	for _, d := range []string{fresh, old} {
		if err := os.RemoveAll(d); err != nil {
			return 0, err
		}
	}
	if err := os.Mkdir(fresh, 0o755); err != nil {
		return 0, err
	}
	f, err := os.Open(tarPath)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if err = complete(f); err == nil {
		refused, err = unpack(f, fresh)
	}
	if err != nil {
		os.RemoveAll(fresh)
		return refused, err
	}
	err = unix.Renameat2(unix.AT_FDCWD, fresh, unix.AT_FDCWD, work, unix.RENAME_EXCHANGE)
	if errors.Is(err, fs.ErrNotExist) {
		return refused, os.Rename(fresh, work)
	}
	if err != nil {
		return refused, err
	}
	return refused, os.Rename(fresh, old)
}

// complete: a tar ends with two blocks of zeroes; archive/tar takes one without them, that is one that was cut between two files.
func complete(f *os.File) error {
	st, err := f.Stat()
	if err != nil {
		return err
	}
	var tail, zero [1024]byte
	if _, err := f.ReadAt(tail[:], st.Size()-int64(len(tail))); err != nil || tail != zero {
		return errors.New("the tree's tar ends early")
	}
	return nil
}
