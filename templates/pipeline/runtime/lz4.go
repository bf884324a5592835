// lz4.go - undoes what the runner did to a block of the log: an LZ4 block.
package runtime

import "errors"

var errNotLZ4 = errors.New("not a block of the runner")

// lz4Unpack gives exactly size bytes, or an error.
func lz4Unpack(in []byte, size int) ([]byte, error) {
	out := make([]byte, 0, size)
	for len(in) > 0 {
		token := in[0]
		n, ok := 0, false
		if n, in, ok = blockLength(token>>4, in[1:]); !ok || n > len(in) || n > size-len(out) {
			return nil, errNotLZ4
		}
		out, in = append(out, in[:n]...), in[n:]
		if len(in) == 0 {
			break
		}
		if len(in) < 2 {
			return nil, errNotLZ4
		}
		back := int(in[0]) | int(in[1])<<8
		if n, in, ok = blockLength(token&15, in[2:]); !ok || back == 0 || back > len(out) || n+4 > size-len(out) {
			return nil, errNotLZ4
		}
		for range n + 4 { // one by one: it may copy what it has just written
			out = append(out, out[len(out)-back])
		}
	}
	if len(out) != size {
		return nil, errNotLZ4
	}
	return out, nil
}

// blockLength reads the rest of a length whose first part stands in half a token.
func blockLength(half byte, in []byte) (int, []byte, bool) {
	n := int(half)
	if n < 15 {
		return n, in, true
	}
	for i, b := range in {
		n += int(b)
		if b != 255 {
			return n, in[i+1:], true
		}
	}
	return 0, nil, false
}
