// unpack.go - a tar of a hostile tree becomes files: nothing outside the directory is touched, whatever it says.
//
// os.Root keeps every path inside, also through links. Files, directories and links only; modes 0755 or 0644, so no setuid; a
// symbolic link may point anywhere, it is never followed out.
package runtime

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"
)

// What is more than this is refused as a whole.
const (
	maxEntries = 1_000_000
	maxBytes   = 20 << 30
)

type unpacker struct {
	root     *os.Root
	parent   string // exists already
	entries  int
	bytes    int64
	refused  int
	broken   error // the tar ends early, or the disk is full: no entry is to blame
	limit    int   // entries
	limitLen int64 // bytes
}

// unpack fills an empty directory; refused counts entries that were left out, each with a line in pipeline.log.
func unpack(from io.Reader, into string) (refused int, err error) {
	root, err := os.OpenRoot(into)
	if err != nil {
		return 0, err
	}
	defer root.Close()
	u := &unpacker{root: root, parent: ".", limit: maxEntries, limitLen: maxBytes}
	err = u.all(tar.NewReader(from))
	return u.refused, err
}

func (u *unpacker) all(r *tar.Reader) error {
	for {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the tree's tar is damaged: %w", err)
		}
		u.entries++
		u.bytes += h.Size
		if u.entries > u.limit {
			return fmt.Errorf("the tree has more than %d entries", u.limit)
		}
		if u.bytes > u.limitLen || h.Size < 0 {
			return fmt.Errorf("the tree is larger than %d GiB", u.limitLen>>30)
		}
		err = u.entry(h, r)
		if u.broken != nil {
			return u.broken
		}
		if err != nil {
			u.refuse(h.Name, err)
		}
	}
}

func (u *unpacker) refuse(name string, err error) {
	u.refused++
	if u.refused <= 50 {
		say("left out of the tree: %.300q: %v", name, err)
	}
}

// cleanName is the path below the root; "" = nothing to do.
func cleanName(name string) (string, error) {
	if strings.HasPrefix(name, "/") {
		return "", errors.New("an absolute path")
	}
	if strings.ContainsRune(name, 0) {
		return "", errors.New("a path with a zero byte")
	}
	parts := strings.Split(name, "/")
	for _, p := range parts {
		if p == ".." {
			return "", errors.New("a path with ..")
		}
	}
	name = path.Clean(name)
	if name == "." {
		return "", nil
	}
	for i, p := range strings.Split(name, "/") {
		if !strings.EqualFold(p, ".git") {
			continue
		}
		if i == 0 && p == ".git" {
			return "", nil // ours, made again on the host
		}
		return "", errors.New("a path with .git")
	}
	return name, nil
}

func (u *unpacker) entry(h *tar.Header, data io.Reader) error {
	name, err := cleanName(h.Name)
	if name == "" || err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return u.directory(name)
	case tar.TypeReg, tar.TypeSymlink, tar.TypeLink:
	default:
		return fmt.Errorf("neither file, directory nor link (type %q)", h.Typeflag)
	}
	if dir := path.Dir(name); dir != u.parent {
		if err := u.root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		u.parent = dir
	}
	switch h.Typeflag {
	case tar.TypeSymlink:
		if h.Linkname == "" || strings.ContainsRune(h.Linkname, 0) {
			return errors.New("a link to nothing")
		}
		return u.root.Symlink(h.Linkname, name)
	case tar.TypeLink:
		return u.hardLink(h.Linkname, name)
	}
	return u.file(name, h, data)
}

func (u *unpacker) directory(name string) error {
	err := u.root.MkdirAll(name, 0o755)
	if err != nil {
		return err
	}
	st, err := u.root.Lstat(name)
	if err == nil && !st.IsDir() {
		err = errors.New("in the place of a link")
	}
	return err
}

func (u *unpacker) hardLink(target, name string) error {
	target, err := cleanName(target)
	if err != nil {
		return fmt.Errorf("a link to %w", err)
	}
	st, err := u.root.Lstat(target)
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() {
		return errors.New("a hard link to what is no file")
	}
	return u.root.Link(target, name)
}

// file keeps the time, so that programs like make see what is newer. Never over something that is there.
func (u *unpacker) file(name string, h *tar.Header, data io.Reader) error {
	mode := fs.FileMode(0o644)
	if h.Mode&0o111 != 0 {
		mode = 0o755
	}
	f, err := u.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, data)
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		u.broken = fmt.Errorf("the tree cannot be unpacked: %w", err)
		return err
	}
	return u.root.Chtimes(name, time.Time{}, h.ModTime)
}
