// terminal.go - `pipeline tty DIR TASKFILE -- ARGV...`: a command in a variant's files, on our terminal.
//
// The SDK has no terminal to offer. So the runner makes a pseudo-terminal in the container and relays it over a unix socket of ours that
// Dagger carries there; the frames are those of the runner's tty.c. Our own terminal is one that was made for us.
package runtime

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"regexp"
	"sync"
	"time"

	"dagger.io/dagger"
	"golang.org/x/sys/unix"
)

const (
	ttyKeys   = 1
	ttySize   = 2
	ttyOutput = 3
	ttyEnd    = 4
	ttyBody   = 4096
)

// ttyFrame is one frame: kind, length, bytes (at most ttyBody).
func ttyFrame(kind byte, body []byte) []byte {
	return append(binary.LittleEndian.AppendUint16([]byte{kind}, uint16(len(body))), body...)
}

// ttyLink writes whole frames, from the keys and from the changes of size.
type ttyLink struct {
	mu   sync.Mutex
	conn net.Conn
}

func (l *ttyLink) send(kind byte, body []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.conn.Write(ttyFrame(kind, body))
	return err
}

// sendSize sends the size of our terminal now.
func (l *ttyLink) sendSize() {
	ws, err := unix.IoctlGetWinsize(0, unix.TIOCGWINSZ)
	if err != nil {
		return
	}
	body := binary.LittleEndian.AppendUint16(nil, ws.Row)
	if err := l.send(ttySize, binary.LittleEndian.AppendUint16(body, ws.Col)); err != nil {
		say("the size of the terminal: %v", err)
	}
}

func (l *ttyLink) sendKeys() {
	b := make([]byte, ttyBody)
	for {
		n, err := os.Stdin.Read(b)
		if n > 0 && l.send(ttyKeys, b[:n]) != nil || err != nil {
			return
		}
	}
}

// show writes what the command shows until its end, and returns its exit code.
func (l *ttyLink) show() (int, error) {
	for {
		var head [3]byte
		if _, err := io.ReadFull(l.conn, head[:]); err != nil {
			return execFailed, err
		}
		body := make([]byte, binary.LittleEndian.Uint16(head[1:]))
		if _, err := io.ReadFull(l.conn, body); err != nil {
			return execFailed, err
		}
		switch {
		case head[0] == ttyOutput:
			os.Stdout.Write(body)
		case head[0] == ttyEnd && len(body) == 4:
			return int(binary.LittleEndian.Uint32(body)), nil
		default:
			return execFailed, fmt.Errorf("a frame of kind %d, %d bytes", head[0], len(body))
		}
	}
}

// makeRaw: every key is the command's. Nothing has to be put back: the terminal goes with us.
func makeRaw() error {
	t, err := unix.IoctlGetTermios(0, unix.TCGETS)
	if err != nil {
		return err
	}
	t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	t.Cflag = t.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	return unix.IoctlSetTermios(0, unix.TCSETS, t)
}

var termName = regexp.MustCompile(`^[A-Za-z0-9+._-]{1,64}$`)

// ttyContainer is what the command runs in, with our socket.
func (pl *pipeline) ttyContainer(t *Task, sock *socket) (*dagger.Container, error) {
	base, source, err := pl.bases.of(t).make(pl.root, pl, t)
	if err != nil {
		return nil, err
	}
	if term := os.Getenv("TERM"); termName.MatchString(term) {
		t.Env = append(t.Env, "TERM="+term)
	}
	return sock.in(pl.client, pl.steps.Variant(pl.client, base, source, t), "/yolo-tty"), nil
}

// terminal runs it and returns its exit code.
func (pl *pipeline) terminal(t *Task, argv []string) int {
	sock, err := openSocket(pl.dir, "tty-"+rand.Text()[:8])
	if err != nil {
		return execFault("%s", sentence(err))
	}
	defer sock.close()
	ctr, err := pl.ttyContainer(t, sock)
	if err != nil {
		return execFault("%s", sentence(err))
	}
	ctx, cancel := context.WithCancelCause(pl.root)
	run := append([]string{"/yolo-runner", "--tty", "/yolo-tty", "--uid", fmt.Sprint(t.UID), "--gid", fmt.Sprint(t.GID), "--cwd", "/work", "--"}, argv...)
	over := make(chan struct{})
	go func() {
		defer close(over)
		_, err := ctr.WithExec(run).Sync(ctx)
		cancel(errors.Join(errTTYOver, err))
	}()
	code := pl.relay(ctx, sock)
	cancel(errTTYOver)
	select {
	case <-over:
	case <-time.After(time.Second):
	}
	return code
}

var errTTYOver = errors.New("the container ended")

// relay connects our terminal with the one in the container until its command ends.
func (pl *pipeline) relay(ctx context.Context, sock *socket) int {
	conn, err := sock.accept(ctx)
	if context.Cause(pl.root) == errCancelled {
		return execFailed
	}
	if err == nil {
		err = makeRaw()
	}
	if err != nil {
		return execFault("no terminal in the container: %s", sentence(err))
	}
	defer conn.Close()
	defer context.AfterFunc(pl.root, func() { conn.Close() })()
	l := &ttyLink{conn: conn}
	sizes := make(chan os.Signal, 1)
	signal.Notify(sizes, unix.SIGWINCH)
	go func() {
		for ; ; <-sizes {
			l.sendSize()
		}
	}()
	go l.sendKeys()
	code, err := l.show()
	if err != nil && context.Cause(pl.root) != errCancelled {
		execFault("the connection to the container is lost: %s\r", sentence(err))
	}
	return code
}
