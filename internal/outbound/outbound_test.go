package outbound

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/web"
)

func newOutbound(t *testing.T, env config.Environment, allowed ...string) *Outbound {
	t.Helper()
	cfg := DefaultConfig()
	cfg.AllowedNetworks, cfg.MaxBodyBytes = allowed, 2048
	require.NoError(t, cfg.Validate())
	o, err := New(cfg, env)
	require.NoError(t, err)
	t.Cleanup(o.Close)
	return o
}

func get(t *testing.T, c *http.Client, address string) (int, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	require.NoError(t, err)
	answer, err := c.Do(r)
	if err != nil {
		return 0, err
	}
	require.NoError(t, answer.Body.Close())
	return answer.StatusCode, nil
}

func TestOnlyTheInternetIsPublic(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"93.184.216.34": true, "8.8.8.8": true, "2606:4700::1111": true, "::ffff:8.8.8.8": true,
		"127.0.0.1": false, "127.9.9.9": false, "10.0.0.1": false, "172.16.0.1": false, "172.31.255.255": false, "192.168.1.1": false,
		"169.254.169.254": false, "100.64.0.1": false, "100.100.100.200": false, "0.0.0.0": false, "0.1.2.3": false, "224.0.0.1": false,
		"255.255.255.255": false, "240.0.0.1": false, "198.18.0.1": false, "192.0.0.192": false, "203.0.113.1": false,
		"::": false, "::1": false, "::ffff:127.0.0.1": false, "::ffff:169.254.169.254": false, "::127.0.0.1": false, "fe80::1": false,
		"fe80::1%eth0": false, "fc00::1": false, "fd00:ec2::254": false, "fec0::1": false, "ff02::1": false,
		"64:ff9b::7f00:1": false, "64:ff9b:1::1": false, "2002:7f00:1::": false, "2001::1": false, "2001:db8::1": false,
	} {
		require.Equal(t, want, public(netip.MustParseAddr(address)), address)
	}
}

func TestAGuardedClientDoesNotReachTheInside(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 100)
	inside := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.Host }))
	t.Cleanup(inside.Close)
	_, port, err := net.SplitHostPort(inside.Listener.Addr().String())
	require.NoError(t, err)
	o := newOutbound(t, config.Development)
	for _, address := range []string{
		inside.URL, "http://localhost:" + port, "https://localhost:" + port, "https://127.0.0.1:" + port, "https://[::1]:" + port,
		"https://[::ffff:127.0.0.1]:" + port, "https://0.0.0.0:" + port, "https://169.254.169.254/latest/meta-data/",
		"https://10.0.0.1/", "https://[fd00:ec2::254]/", "http://93.184.216.34/", "ftp://93.184.216.34/", "file:///etc/passwd",
	} {
		_, err := get(t, o.Guarded(), address)
		require.ErrorIs(t, err, web.ErrOutbound, address)
	}
	require.Empty(t, asked)
	status, err := get(t, o.Trusted(), inside.URL)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status, "the operator's own addresses may be anywhere")
}

func TestARedirectDoesNotLeadInsideEither(t *testing.T) {
	t.Parallel()
	target := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/loop" {
			http.Redirect(w, r, "/loop", http.StatusFound)
			return
		}
		http.Redirect(w, r, target, http.StatusFound)
	}))
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	require.NoError(t, err)
	o := newOutbound(t, config.Development, "127.0.0.1/32")
	for _, target = range []string{"https://127.0.0.2:" + port, "https://169.254.169.254/", "http://10.0.0.1/", "http://127.0.0.2:" + port} {
		_, err := get(t, o.Guarded(), server.URL)
		require.ErrorIs(t, err, web.ErrOutbound, target)
	}
	_, err = get(t, o.Guarded(), server.URL+"/loop")
	require.ErrorContains(t, err, "too many redirects")
}

func TestTheOperatorMayAllowANetwork(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(strings.Repeat("x", len(r.URL.Query().Get("n")))))
	}))
	t.Cleanup(server.Close)
	status, err := get(t, newOutbound(t, config.Development, "127.0.0.0/8").Guarded(), server.URL)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	_, err = get(t, newOutbound(t, config.Production, "127.0.0.0/8").Guarded(), server.URL)
	require.ErrorIs(t, err, web.ErrOutbound, "production does not speak plain http")
	_, err = get(t, newOutbound(t, config.Development, "127.1.0.0/16").Guarded(), server.URL)
	require.ErrorIs(t, err, web.ErrOutbound)
}

func TestAnAnswerThatIsTooLongIsCutOff(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(strings.Repeat("x", 4096)))
	}))
	t.Cleanup(server.Close)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, http.NoBody)
	require.NoError(t, err)
	answer, err := newOutbound(t, config.Test, "127.0.0.0/8").Guarded().Do(r)
	require.NoError(t, err)
	defer func() { require.NoError(t, answer.Body.Close()) }()
	n := 0
	for err == nil {
		var m int
		m, err = answer.Body.Read(make([]byte, 512))
		n += m
	}
	require.ErrorContains(t, err, "too large")
	require.Equal(t, 2048, n)
}

func TestImpossibleSettingsAreNamed(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, Config{AllowedNetworks: []string{"10.0.0.1"}, Timeout: 1, MaxBodyBytes: 1}.Validate(), "allowed_networks")
}
