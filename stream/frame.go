package stream

import (
	"encoding/binary"
	"hash/crc32"
)

// A segment is a file of frames behind a head. Numbers are little-endian.
//
//	head   "hotcell1", a random key of 8 bytes, 16 bytes of zeros
//	frame  4 bytes  checksum of the key and the 28 bytes that follow
//	       4        length of the payload
//	       4        checksum of the payload
//	       4        kind
//	       8        number of the log
//	       8        number of the record
//	       payload, and zeros up to a multiple of 8
//
// Checksums are CRC-32C. The key makes sure that nothing that user code has put
// out can be taken for a frame when a part of the file is damaged.
const (
	headSize  = 32
	frameHead = 32
	frameWord = 8 // frames begin at multiples of it
	magic     = "hotcell1"
	// maxPayload is what a driver's frame can hold, and what its event has beside it.
	maxPayload = 80 << 20
)

type frameKind uint32

const (
	frameOpen    frameKind = 'o' // payload: a [Meta], as encode makes it
	frameRecord  frameKind = 'r'
	frameEnd     frameKind = 'e' // payload: an ending, likewise
	frameDrop    frameKind = 'd'
	frameEvicted frameKind = 'v' // payload: names of logs that were evicted
	frameGone    frameKind = 'g' // payload: numbers of logs that were dropped or evicted
)

// lasting reports whether a frame is about logs whose own frames may be in older files.
func (k frameKind) lasting() bool { return k == frameDrop || k == frameEvicted || k == frameGone }

// frame is one in a file.
type frame struct {
	kind    frameKind
	log     uint64
	seq     uint64
	payload []byte
}

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) } // which makes it once

// span is what a payload of n bytes occupies with its head.
func span(n int) int64 {
	return int64(frameHead+n+frameWord-1) / frameWord * frameWord
}

// span is what a frame occupies.
func (f frame) span() int64 { return span(len(f.payload)) }

func newHead(key uint64) []byte {
	head := make([]byte, headSize)
	copy(head, magic)
	binary.LittleEndian.PutUint64(head[8:], key)
	return head
}

// keyOf reads a segment's head.
func keyOf(head []byte) (key uint64, ok bool) {
	if len(head) < headSize || string(head[:8]) != magic {
		return 0, false
	}
	return binary.LittleEndian.Uint64(head[8:]), true
}

// appendFrame adds a frame to dst, whose length is a multiple of a word.
func appendFrame(dst []byte, key uint64, f frame) []byte {
	at := len(dst)
	dst = append(dst, make([]byte, frameHead)...)
	dst = append(dst, f.payload...)
	h := dst[at:]
	binary.LittleEndian.PutUint32(h[4:], uint32(len(f.payload)))
	binary.LittleEndian.PutUint32(h[8:], crc32.Checksum(f.payload, castagnoli()))
	binary.LittleEndian.PutUint32(h[12:], uint32(f.kind))
	binary.LittleEndian.PutUint64(h[16:], f.log)
	binary.LittleEndian.PutUint64(h[24:], f.seq)
	binary.LittleEndian.PutUint32(h, headSum(key, h))
	for len(dst)%frameWord != 0 {
		dst = append(dst, 0)
	}
	return dst
}

func headSum(key uint64, head []byte) uint32 {
	var b [8 + frameHead - 4]byte
	binary.LittleEndian.PutUint64(b[:], key)
	copy(b[8:], head[4:frameHead])
	return crc32.Checksum(b[:], castagnoli())
}

// parseHead reads a frame's head, without the payload, and the length of that.
func parseHead(b []byte, key uint64) (f frame, size int, ok bool) {
	if len(b) < frameHead || binary.LittleEndian.Uint32(b) != headSum(key, b) {
		return f, 0, false
	}
	size = int(binary.LittleEndian.Uint32(b[4:]))
	f.kind = frameKind(binary.LittleEndian.Uint32(b[12:]))
	f.log = binary.LittleEndian.Uint64(b[16:])
	f.seq = binary.LittleEndian.Uint64(b[24:])
	return f, size, size <= maxPayload
}

// sound reports whether a payload is what was written behind this head.
func sound(head, payload []byte) bool {
	return binary.LittleEndian.Uint32(head[8:]) == crc32.Checksum(payload, castagnoli())
}

// frames calls f with each whole frame of buf. What is torn or damaged is left
// out: behind a sound head its payload is skipped, elsewhere the next frame is
// looked for. It returns how many bytes were of no use.
func frames(buf []byte, key uint64, f func(at int64, f frame)) (lost int64) {
	for at := 0; at+frameHead <= len(buf); {
		fr, size, ok := parseHead(buf[at:], key)
		if !ok {
			at += frameWord
			lost += frameWord
			continue
		}
		end := at + frameHead + size
		if end > len(buf) || !sound(buf[at:], buf[at+frameHead:end]) {
			lost += min(span(size), int64(len(buf)-at))
		} else {
			fr.payload = buf[at+frameHead : end]
			f(int64(at), fr)
		}
		at += int(span(size))
	}
	return lost
}
