package database

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// openToAll lets everybody into the folder of a test's file.
func openToAll(t *testing.T, file string) {
	t.Helper()
	require.NoError(t, os.Chmod(filepath.Dir(file), 0o777))               // t.TempDir
	require.NoError(t, os.Chmod(filepath.Dir(filepath.Dir(file)), 0o755)) // and the test's folder that holds it
}

// asNobody runs fn without the superuser's right to write to every file. The thread that gave it up dies with fn.
func asNobody(t *testing.T, fn func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		fn()
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		const nobody = 65534
		_, _, _ = syscall.RawSyscall(syscall.SYS_SETFSUID, nobody, 0, 0) // of this thread only; it returns the one before
		fn()
	}()
	<-done
}

func TestAReadOnlyFileIsReadAndRefusesWritesByName(t *testing.T) {
	t.Parallel()
	before := openFile(t)
	require.NoError(t, before.Exec(t.Context(), "INSERT INTO things (id) VALUES ('a')", []any{}, nil))
	require.NoError(t, before.Close())
	require.NoError(t, os.Chmod(before.at.file, 0o444))
	openToAll(t, before.at.file) // readers keep their index beside the file

	asNobody(t, func() {
		d, err := Open(before.cfg)
		require.NoError(t, err)
		defer func() { require.NoError(t, d.Close()) }()
		require.NoError(t, d.Connect(t.Context()))
		require.Equal(t, 1, count(t, d, t.Context()))
		require.ErrorIs(t, d.Exec(t.Context(), "INSERT INTO things (id) VALUES ('b')", []any{}, nil), ErrReadOnly)
	})
}

func TestAFileThatMayNotBeReadIsNamedAtTheStart(t *testing.T) {
	t.Parallel()
	before := openFile(t)
	require.NoError(t, before.Close())
	require.NoError(t, os.Chmod(before.at.file, 0))
	openToAll(t, before.at.file)
	asNobody(t, func() {
		d, err := Open(before.cfg)
		require.NoError(t, err)
		defer func() { require.NoError(t, d.Close()) }()
		err = d.Connect(t.Context())
		require.ErrorContains(t, err, before.at.file)
		require.ErrorContains(t, err, "cannot be opened")
	})
}
