// swap.go - a new tree takes the place of work/ at once: who looks sees the old one or the new one, never half of one.
package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

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
	if refused, err = unpack(f, fresh); err != nil {
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

// isFull: going on with the next entry would only fail again.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.EIO)
}
