// sse.go - follows the session's telemetry: one HTTP answer that never ends, taken up again where it was cut.
package runtime

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// sse is one route. An event is handled when it is whole, and only then its id counts: nothing comes twice, nothing is lost.
type sse struct {
	session *Session
	route   string
	handle  func([]byte)
	cut     func(error) // the connection ended; it is tried again
	ready   chan struct{}
	last    string
	data    []byte // of the event that is being read; reused
}

func (s *Session) follow(ctx context.Context, route string, handle func([]byte), cut func(error)) *sse {
	f := &sse{session: s, route: route, handle: handle, cut: cut, ready: make(chan struct{})}
	go f.run(ctx)
	return f
}

func (f *sse) run(ctx context.Context) {
	for ctx.Err() == nil {
		err := f.connection(ctx)
		if ctx.Err() == nil {
			f.cut(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (f *sse) connection(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, "GET", fmt.Sprintf("http://127.0.0.1:%d%s", f.session.Port, f.route), nil)
	if err != nil {
		return err
	}
	req.SetBasicAuth(f.session.Token, "")
	if f.last != "" {
		req.Header.Set("X-Last-Event-ID", f.last)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", f.route, resp.Status)
	}
	return f.events(resp.Body)
}

// events handles one event after the other: lines "event:", "id:", "data:", ended by an empty line.
func (f *sse) events(body io.Reader) error {
	r := bufio.NewReaderSize(body, 1<<16)
	var id string
	f.data = f.data[:0]
	for {
		line, whole, err := f.line(r)
		if err != nil {
			return err
		}
		switch {
		case !whole: // data: is in f.data
		case len(line) == 0:
			if data := bytes.TrimRight(f.data, "\r\n"); len(data) > 0 {
				f.handle(data)
			}
			if id != "" {
				f.last = id
			}
			f.reset()
			id = ""
		case bytes.HasPrefix(line, []byte("id: ")):
			id = string(line[4:])
		case bytes.Equal(line, []byte("event: subscribed")):
			f.subscribed()
		}
	}
}

// line reads a line; one with data goes into f.data as it comes, since it may be long (whole = false).
func (f *sse) line(r *bufio.Reader) (line []byte, whole bool, err error) {
	part, err := r.ReadSlice('\n')
	if err != nil && err != bufio.ErrBufferFull {
		return nil, false, err
	}
	data, isData := bytes.CutPrefix(part, []byte("data: "))
	if !isData && err == nil {
		return bytes.TrimRight(part, "\r\n"), true, nil
	}
	if isData {
		f.data = append(f.data, data...)
	}
	for err == bufio.ErrBufferFull {
		part, err = r.ReadSlice('\n')
		if isData {
			f.data = append(f.data, part...)
		}
	}
	return nil, false, err
}

// reset keeps the room for the next event, unless it was for a flood.
func (f *sse) reset() {
	if cap(f.data) > 8<<20 {
		f.data = nil
	}
	f.data = f.data[:0]
}

func (f *sse) subscribed() {
	select {
	case <-f.ready:
	default:
		close(f.ready)
	}
}
