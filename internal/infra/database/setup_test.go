package database

import (
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/config"
)

// withFile does not wait long for a lock, because the tests hold it for as long as they look.
func withFile(file string) Config {
	cfg := DefaultConfig()
	cfg.URL = config.URL("sqlite://" + (&url.URL{Path: file}).EscapedPath())
	cfg.Synchronous = "normal"
	cfg.BusyTimeout = 50 * time.Millisecond
	return cfg
}

// openFile opens a new SQLite file with the table things.
func openFile(t *testing.T) *Driver {
	t.Helper()
	d, err := Open(withFile(filepath.Join(t.TempDir(), "test.db")))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	require.NoError(t, d.Connect(t.Context()))
	require.NoError(t, d.Exec(t.Context(), "CREATE TABLE things (id TEXT PRIMARY KEY, n INTEGER NOT NULL DEFAULT 0)", []any{}, nil))
	return d
}
