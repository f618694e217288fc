package activation

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnAddressMayAskForASocket(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]struct {
		name string
		ok   bool
	}{
		"systemd": {"", true}, "systemd:http": {"http", true}, "systemd:": {"", false},
		":8080": {"", false}, "127.0.0.1:0": {"", false}, "systemd.example.com:80": {"", false},
	} {
		name, ok := Asked(addr)
		require.Equal(t, want.ok, ok, addr)
		if ok {
			require.Equal(t, want.name, name, addr)
		}
	}
}

func TestWhatIsForAnotherProcessIsNotTaken(t *testing.T) {
	t.Parallel()
	variables := map[string]string{"LISTEN_PID": "17", "LISTEN_FDS": "1"}
	s, err := Take(func(name string) string { return variables[name] }, 18)
	require.NoError(t, err)
	_, err = s.Listen(t.Context(), "systemd")
	require.EqualError(t, err, "systemd is 0 of the sockets that the process was given: it was given none")
	ln, err := s.Listen(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, ln.Close())
	variables["LISTEN_FDS"] = "x"
	_, err = Take(func(name string) string { return variables[name] }, 17)
	require.ErrorContains(t, err, `LISTEN_FDS is "x"`)
}

func TestOneSocketIsFoundByItsName(t *testing.T) {
	t.Parallel()
	open := func(network, addr string) net.Listener {
		ln, err := new(net.ListenConfig).Listen(t.Context(), network, addr)
		require.NoError(t, err)
		t.Cleanup(func() { _ = ln.Close() })
		return ln
	}
	http, unix := open("tcp", "127.0.0.1:0"), open("unix", t.TempDir()+"/s")
	s := &Sockets{all: []socket{{"http", http}, {"local", unix}}}
	found, err := s.Listen(t.Context(), "systemd:http")
	require.NoError(t, err)
	require.Equal(t, http, found)
	_, err = s.Listen(t.Context(), "systemd")
	require.ErrorContains(t, err, "systemd is 2 of the sockets that the process was given: http ("+http.Addr().String()+"), local (")
	_, err = s.Listen(t.Context(), "systemd:aside")
	require.ErrorContains(t, err, "systemd:aside is 0 of the sockets")
	_, err = s.Listen(t.Context(), "systemd:local")
	require.EqualError(t, err, "systemd:local is not a TCP socket but unix")
	found, err = (&Sockets{all: s.all[:1]}).Listen(t.Context(), "systemd")
	require.NoError(t, err)
	require.Equal(t, http, found)
}
