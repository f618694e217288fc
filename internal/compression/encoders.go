// Package compression makes answers smaller, in bounded memory.
package compression

import (
	"bytes"
	"io"
	"runtime"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Codings are those that there are, the better first: zstd is both smaller and faster here.
var Codings = []string{Zstd, Gzip}

// The names of the codings, as HTTP has them.
const (
	Gzip = "gzip"
	Zstd = "zstd"
)

const (
	// window is how far back zstd looks for repetitions. Browsers take up to 8 MiB (RFC 9659); each stream would need twice
	// that.
	window = 256 << 10
	// maxStreams is how many answers are compressed while they are written. Their encoders live as long as they do, which is
	// up to the client.
	maxStreams = 32
)

// encoder is what both libraries have.
type encoder interface {
	io.WriteCloser
	Flush() error
	Reset(w io.Writer)
}

// Encoders are used again and again. There are at most as many at work as the process has CPUs for whole answers, and
// maxStreams for others. One has 0.8 MB (BenchmarkEncoders), so that those of a machine with 8 CPUs have 32 MB at most.
// Both work at their fastest: the next levels make answers smaller by a tenth, for a third more time or twice the memory.
type Encoders struct {
	turns   chan struct{}
	streams chan struct{}
	free    map[string]*sync.Pool
}

// New makes none yet.
func New() *Encoders {
	return &Encoders{
		turns:   make(chan struct{}, runtime.GOMAXPROCS(0)),
		streams: make(chan struct{}, maxStreams),
		free:    map[string]*sync.Pool{Gzip: {New: newGzip}, Zstd: {New: newZstd}},
	}
}

func newGzip() any {
	w, err := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
	if err != nil {
		panic(err) // the level is valid
	}
	return w
}

func newZstd() any {
	w, err := zstd.NewWriter(io.Discard, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window), zstd.WithLowerEncoderMem(true),
		zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		panic(err) // the options are valid
	}
	return w
}

// Whole appends the coded body. It waits for a turn: more encoders than CPUs would finish no sooner.
func (e *Encoders) Whole(coding string, body []byte, into *bytes.Buffer) {
	e.turns <- struct{}{}
	defer func() { <-e.turns }()
	w := e.free[coding].Get().(encoder)
	w.Reset(into)
	_, _ = w.Write(body) // a buffer takes all
	_ = w.Close()
	w.Reset(io.Discard)
	e.free[coding].Put(w)
}

// Stream codes what is written to it. It must be closed or dropped, and not be used after that.
type Stream struct {
	encoder
	of     *Encoders
	coding string
}

// Stream returns nil when there are as many as there may be: the answer goes out as it is then.
func (e *Encoders) Stream(coding string, w io.Writer) *Stream {
	select {
	case e.streams <- struct{}{}:
	default:
		return nil
	}
	s := &Stream{encoder: e.free[coding].Get().(encoder), of: e, coding: coding}
	s.Reset(w)
	return s
}

// Close writes what is left and the end.
func (s *Stream) Close() error {
	err := s.encoder.Close()
	s.Drop()
	return err
}

// Drop writes nothing more: whoever reads the stream sees that it has no end.
func (s *Stream) Drop() {
	s.Reset(io.Discard)
	s.of.free[s.coding].Put(s.encoder)
	<-s.of.streams
}
