// socket.go - a unix socket of ours that Dagger forwards into one container, for one connection: what listens is never a port.
package runtime

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"dagger.io/dagger"
)

type socket struct {
	dir  *os.File
	at   *net.UnixListener
	path string
}

// openSocket: the path goes through /proc, because the directory's own may be longer than the 107 bytes a socket's can have. Whoever
// dials it is the session, a process of the same user.
func openSocket(dir, name string) (*socket, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	path := fmt.Sprintf("/proc/%d/fd/%d/%s", os.Getpid(), f.Fd(), name)
	at, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		f.Close()
		return nil, err
	}
	return &socket{dir: f, at: at, path: path}, nil
}

func (s *socket) close() {
	s.at.Close()
	s.dir.Close()
}

// in puts it into a container, where only root may open it.
func (s *socket) in(client *dagger.Client, ctr *dagger.Container, path string) *dagger.Container {
	return ctr.WithUnixSocket(path, client.Host().UnixSocket(s.path))
}

// accept takes the one connection there may be: who else comes finds nobody.
func (s *socket) accept(ctx context.Context) (net.Conn, error) {
	stop := context.AfterFunc(ctx, func() { s.at.Close() })
	defer stop()
	conn, err := s.at.AcceptUnix()
	s.at.Close()
	if err != nil && ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return conn, err
}

// serveStop keeps the connection of the runner, over which it can be asked to stop.
func (r *run) serveStop(s *socket) {
	conn, err := s.accept(r.ctx)
	if err != nil {
		return
	}
	r.mu.Lock()
	r.stopConn = conn
	r.mu.Unlock()
	<-r.ctx.Done()
	conn.Close()
}

// sendStop asks the runner over its connection; did the command end within a second?
func (r *run) sendStop() bool {
	r.mu.Lock()
	conn := r.stopConn
	r.mu.Unlock()
	if conn == nil {
		return false
	}
	if _, err := conn.Write([]byte("stop")); err != nil {
		return false
	}
	select {
	case <-r.in.done:
		return true
	case <-r.ctx.Done():
		return true
	case <-time.After(time.Second):
		return false
	}
}
