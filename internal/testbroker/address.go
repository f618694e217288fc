package testbroker

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// Address is an address on this machine that is the test's own until its end: nobody listens on it, no other test is given
// it, also in other processes, and no connection comes from it, because those have higher ports.
func Address(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("platform-test-ports-%d", os.Getuid()))
	require.NoError(t, os.MkdirAll(dir, 0o700))
	for range 1000 {
		port := 15_000 + rand.N(15_000)
		lock, err := os.OpenFile(filepath.Join(dir, fmt.Sprint(port)), os.O_CREATE|os.O_RDWR, 0o600)
		require.NoError(t, err)
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			addr := fmt.Sprintf("127.0.0.1:%d", port)
			if l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", addr); err == nil {
				require.NoError(t, l.Close())
				t.Cleanup(func() { _ = lock.Close() })
				return addr
			}
		}
		require.NoError(t, lock.Close())
	}
	require.Fail(t, "no port is free")
	return ""
}
