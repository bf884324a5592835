// logfill.go - completes the host's log from the files that were brought out of the container.
package runtime

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

const fillRecords = 1024 // handled at a time: at most 64 MiB of log

// fill appends what the raw files have more. From then on frames change nothing.
func (h *hostLog) fill(rawLog, rawIdx string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	log, err := os.Open(rawLog)
	if err != nil {
		return err
	}
	defer log.Close()
	idx, err := os.Open(rawIdx)
	if err != nil {
		return err
	}
	defer idx.Close()
	if err := h.keepPrefix(idx); err != nil {
		return err
	}
	h.broken = errors.New("the log is complete")
	buf := make([]byte, fillRecords*recordSize)
	for {
		n, err := idx.ReadAt(buf, h.idxSize)
		if err != nil && err != io.EOF {
			return err
		}
		n -= n % recordSize
		if n == 0 {
			return h.log.Truncate(int64(h.size))
		}
		if err := h.fillSome(buf[:n], log); err != nil {
			return err
		}
	}
}

// keepPrefix cuts off what differs from the raw idx: nothing, unless frames were lost on the way.
func (h *hostLog) keepPrefix(idx *os.File) error {
	ours, theirs := make([]byte, recordSize), make([]byte, recordSize)
	a := io.NewSectionReader(h.idx, 0, h.idxSize)
	for n := int64(0); n*recordSize < h.idxSize; n++ {
		if _, err := a.ReadAt(ours, n*recordSize); err != nil {
			return err
		}
		_, err := idx.ReadAt(theirs, n*recordSize)
		if err != nil && err != io.EOF {
			return err
		}
		if err == io.EOF || !bytes.Equal(ours, theirs) {
			say("the log differs from the container's at record %d: taken again from there", n)
			return h.cut(n)
		}
	}
	return nil
}

// fillSome appends some records and the bytes they cover.
func (h *hostLog) fillSome(recs []byte, log *os.File) error {
	end, exit := h.size, h.exit
	for at := 0; at < len(recs); at += recordSize {
		r, err := decodeRecord(recs[at:])
		if err != nil {
			return err
		}
		if r.off != end {
			return fmt.Errorf("the container's log has a hole at byte %d", end)
		}
		end, exit = r.end(), exit || r.kind == kindExit
	}
	from := io.NewSectionReader(log, int64(h.size), int64(end-h.size))
	n, err := io.Copy(io.NewOffsetWriter(h.log, int64(h.size)), from)
	if err == nil && uint64(n) != end-h.size {
		err = fmt.Errorf("the container's log is shorter than its idx")
	}
	if err != nil {
		return err
	}
	if _, err := h.idx.WriteAt(recs, h.idxSize); err != nil {
		return err
	}
	h.idxSize += int64(len(recs))
	h.size, h.exit, h.here = end, exit, nil
	return nil
}
