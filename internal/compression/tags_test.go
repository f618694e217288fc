package compression_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/compression"
)

func TestATagIsMarkedAndUnmarked(t *testing.T) {
	t.Parallel()
	for tag, want := range map[string]string{`"3"`: `"3-gzip"`, `""`: `"-gzip"`, `W/"3"`: `W/"3"`, `3`: `3`, ``: ``, `"`: `"`} {
		marked := compression.Marked(tag, compression.Gzip)
		require.Equal(t, want, marked)
		require.Equal(t, want != tag, compression.IsMarked([]string{marked}), tag)
		require.Equal(t, []string{tag}, compression.Unmarked([]string{marked}, compression.Gzip, compression.Zstd))
	}
	for _, line := range []string{`*`, `"3"`, `gzip"`, `"gzip"`, `"3-gzip-4"`, `"3-br"`, ``} {
		require.False(t, compression.IsMarked([]string{line}), line)
	}
	require.True(t, compression.IsMarked([]string{`"1"`, `W/"3-zstd", "4"`}))
	require.Equal(t, []string{`W/"3", "4-zstd"`, `"5"`}, compression.Unmarked([]string{`W/"3-gzip", "4-zstd"`, `"5"`}, compression.Gzip))
}

func TestWhatGetsSmaller(t *testing.T) {
	t.Parallel()
	for _, media := range []string{
		"application/json", "application/problem+json", "Application/JSON; charset=utf-8", "text/html", "text/csv;header=present", "image/svg+xml",
		"application/wasm", "application/yaml", "text/javascript", "application/atom+xml", "font/ttf",
	} {
		require.True(t, compression.Compressible(media), media)
	}
	for _, media := range []string{"", "image/png", "application/zip", "font/woff2", "video/mp4", "application/octet-stream", "text/event-stream", "application/gzip", "json"} {
		require.False(t, compression.Compressible(media), media)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	cfg := compression.DefaultConfig()
	require.NoError(t, cfg.Validate())
	cfg.MinBytes = -1
	require.ErrorContains(t, cfg.Validate(), "min_bytes")
}
