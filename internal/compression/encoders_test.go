package compression_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/yourorg/platform/internal/compression"
)

// plain reads what was coded, with a reader that did not code it where there is one.
func plain(coding string, coded io.Reader) ([]byte, error) {
	if coding == compression.Gzip {
		r, err := gzip.NewReader(coded)
		if err != nil {
			return nil, err
		}
		return io.ReadAll(r)
	}
	r, err := zstd.NewReader(coded, zstd.WithDecoderMaxWindow(8<<20)) // what RFC 9659 allows
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func TestWhatIsCodedCanBeRead(t *testing.T) {
	t.Parallel()
	encoders := compression.New()
	rapid.Check(t, func(t *rapid.T) {
		coding := rapid.SampledFrom(compression.Codings).Draw(t, "coding")
		parts := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 2000), 0, 20).Draw(t, "parts")
		var whole, streamed bytes.Buffer
		body := bytes.Join(parts, nil)
		encoders.Whole(coding, body, &whole)
		read, err := plain(coding, &whole)
		require.NoError(t, err)
		require.True(t, bytes.Equal(body, read))

		s := encoders.Stream(coding, &streamed)
		for _, part := range parts {
			_, err := s.Write(part)
			require.NoError(t, err)
			if rapid.Bool().Draw(t, "flush") {
				require.NoError(t, s.Flush())
			}
		}
		require.NoError(t, s.Close())
		read, err = plain(coding, &streamed)
		require.NoError(t, err)
		require.True(t, bytes.Equal(body, read))
	})
}

func TestAStreamThatIsDroppedHasNoEnd(t *testing.T) {
	t.Parallel()
	for _, coding := range compression.Codings {
		var out bytes.Buffer
		s := compression.New().Stream(coding, &out)
		_, err := s.Write([]byte("a part"))
		require.NoError(t, err)
		require.NoError(t, s.Flush())
		s.Drop()
		_, err = plain(coding, &out)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, coding)
	}
}

func TestThereAreOnlySoManyStreams(t *testing.T) {
	t.Parallel()
	encoders := compression.New()
	var all []*compression.Stream
	for s := encoders.Stream(compression.Gzip, io.Discard); s != nil; s = encoders.Stream(compression.Zstd, io.Discard) {
		all = append(all, s)
	}
	require.Len(t, all, 32)
	all[0].Drop()
	require.NoError(t, all[1].Close())
	for range 2 {
		require.NotNil(t, encoders.Stream(compression.Gzip, io.Discard))
	}
	require.Nil(t, encoders.Stream(compression.Gzip, io.Discard))
}

type broken struct{}

var errBroken = errors.New("the client is gone")

func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestAStreamToNobodySaysSo(t *testing.T) {
	t.Parallel()
	for _, coding := range compression.Codings {
		encoders := compression.New()
		s := encoders.Stream(coding, broken{})
		_, _ = s.Write([]byte("text"))
		require.ErrorIs(t, s.Flush(), errBroken)
		require.ErrorIs(t, s.Close(), errBroken)
		var out bytes.Buffer // the encoder is as good as new
		encoders.Whole(coding, []byte("text"), &out)
		read, err := plain(coding, &out)
		require.NoError(t, err)
		require.Equal(t, "text", string(read))
	}
}

func TestManyAtOnceDoNotMixUp(t *testing.T) {
	t.Parallel()
	encoders := compression.New()
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			coding := compression.Codings[i%2]
			body := strings.Repeat(string(rune('a'+i%26)), 10_000+i)
			var out bytes.Buffer
			encoders.Whole(coding, []byte(body), &out)
			read, err := plain(coding, &out)
			if err != nil || string(read) != body {
				t.Errorf("%s %d: %v", coding, i, err)
			}
		})
	}
	all.Wait()
}

// BenchmarkEncoders compresses the contracts of all modules. memory is what one encoder keeps.
func BenchmarkEncoders(b *testing.B) {
	body, err := os.ReadFile("../../api/openapi.yaml")
	require.NoError(b, err)
	for _, coding := range compression.Codings {
		b.Run(coding, func(b *testing.B) {
			encoders := compression.New()
			var out bytes.Buffer
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				out.Reset()
				encoders.Whole(coding, body, &out)
			}
			b.ReportMetric(float64(out.Len())/float64(len(body)), "ratio")
			b.ReportMetric(kept(coding), "memory-B")
		})
	}
}

func kept(coding string) float64 {
	const many = 20
	var before, after runtime.MemStats
	all := make([]*compression.Stream, many)
	runtime.GC()
	runtime.ReadMemStats(&before)
	encoders := compression.New()
	for i := range all {
		all[i] = encoders.Stream(coding, io.Discard)
		_, _ = all[i].Write(make([]byte, 1<<20))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(all)
	return float64(after.HeapAlloc-before.HeapAlloc) / many
}
