// logfile.go - the host's log and idx: at every moment a prefix of what the runner keeps in the container, byte for byte.
package runtime

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
)

const (
	recordSize  = 32
	recordMagic = 0x4c59
)

// record of the idx, 32 bytes little endian; output covers bytes [off, off+len) of the log.
type record struct {
	off, ns, val uint64
	len          uint32
	kind, stream byte
}

func (r record) encode() []byte {
	b := make([]byte, 0, recordSize)
	b = binary.LittleEndian.AppendUint64(b, r.off)
	b = binary.LittleEndian.AppendUint64(b, r.ns)
	b = binary.LittleEndian.AppendUint64(b, r.val)
	b = binary.LittleEndian.AppendUint32(b, r.len)
	b = append(b, r.kind, r.stream)
	return binary.LittleEndian.AppendUint16(b, recordMagic)
}

func decodeRecord(b []byte) (record, error) {
	le := binary.LittleEndian
	if le.Uint16(b[30:]) != recordMagic {
		return record{}, errors.New("the idx holds something that is no record")
	}
	return record{off: le.Uint64(b), ns: le.Uint64(b[8:]), val: le.Uint64(b[16:]), len: le.Uint32(b[24:]), kind: b[28], stream: b[29]}, nil
}

type hostLog struct {
	mu       sync.Mutex
	log, idx *os.File
	size     uint64   // of the log, as far as records cover it
	idxSize  int64    // always whole records
	here     []record // those at size that are no output: seen twice they are left out
	exit     bool     // the exit record is in
	broken   error    // frames are missing, or could not be written: only the collection goes on
}

func openLog(logPath, idxPath string) (*hostLog, error) {
	h := &hostLog{}
	var err error
	if h.log, err = os.OpenFile(logPath, os.O_RDWR|syscall.O_NOFOLLOW, 0); err != nil {
		return nil, err
	}
	if h.idx, err = os.OpenFile(idxPath, os.O_RDWR|syscall.O_NOFOLLOW, 0); err != nil {
		h.log.Close()
		return nil, err
	}
	st, err := h.idx.Stat()
	if err == nil {
		err = h.cut(st.Size() / recordSize)
	}
	if err != nil {
		h.close()
		return nil, err
	}
	return h, nil
}

func (h *hostLog) close() {
	h.log.Close()
	h.idx.Close()
}

// cut leaves the first n records and what they cover.
func (h *hostLog) cut(n int64) error {
	h.idxSize, h.size, h.here, h.exit = n*recordSize, 0, nil, false
	buf := make([]byte, recordSize)
	for at := h.idxSize - recordSize; at >= 0; at -= recordSize {
		if _, err := h.idx.ReadAt(buf, at); err != nil {
			return err
		}
		r, err := decodeRecord(buf)
		if err != nil {
			return err
		}
		h.exit = h.exit || r.kind == kindExit
		h.size = max(h.size, r.end())
		if r.kind == kindOutput {
			break // offsets never fall
		}
		h.here = append(h.here, r)
	}
	if err := h.idx.Truncate(h.idxSize); err != nil {
		return err
	}
	return h.log.Truncate(int64(h.size))
}

// end is where the log ends as far as the record knows.
func (r record) end() uint64 {
	if r.kind == kindOutput {
		return r.off + uint64(r.len)
	}
	return r.off
}

// add appends what a frame brings. The log's bytes first: a reader takes the size of the idx first.
func (h *hostLog) add(f frame) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.broken != nil || h.exit || f.off < h.size || h.known(f.record) {
		return
	}
	if f.off > h.size {
		h.broken = fmt.Errorf("frames are missing from byte %d of the log on", h.size)
		return
	}
	if err := h.append(f); err != nil {
		h.broken = err
		say("the log cannot be written: %v", err)
	}
}

func (h *hostLog) known(r record) bool {
	for _, k := range h.here {
		if k == r {
			return true
		}
	}
	return false
}

func (h *hostLog) append(f frame) error {
	if f.kind == kindOutput {
		if _, err := h.log.WriteAt(f.data, int64(h.size)); err != nil {
			return err
		}
	}
	if _, err := h.idx.WriteAt(f.encode(), h.idxSize); err != nil {
		return err
	}
	h.idxSize += recordSize
	if f.kind == kindOutput {
		h.size += uint64(f.len)
		h.here = h.here[:0]
		return nil
	}
	h.exit = f.kind == kindExit
	if len(h.here) < 64 {
		h.here = append(h.here, f.record)
	}
	return nil
}

// state tells whether the exit record is in, how many records there are, and how long the log is.
func (h *hostLog) state() (exit bool, records int64, size uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.exit, h.idxSize / recordSize, h.size
}
