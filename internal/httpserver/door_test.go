package httpserver

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAListenerMayBeClosedAgain(t *testing.T) {
	t.Parallel()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	d := newDoor(ln)
	require.NoError(t, d.Close())
	require.NoError(t, d.Close(), "net/http closes it too")
	_, err = d.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
	require.ErrorIs(t, ln.Close(), net.ErrClosed, "which alone fails")
}
