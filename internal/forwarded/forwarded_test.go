package forwarded

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func request(peer string, claims ...string) *http.Request {
	return &http.Request{RemoteAddr: peer, Header: http.Header{"X-Forwarded-For": claims}}
}

func TestTheClientIsTheLastThatNoProxyOfOursIs(t *testing.T) {
	t.Parallel()
	p, err := New([]string{"10.0.0.0/8", "fd00::/8", "198.51.100.7", "fe80::/10"})
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		peer   string
		claims []string
		want   string
	}{
		"nobody claims anything":                    {"203.0.113.9:80", nil, "203.0.113.9"},
		"a stranger claims":                         {"203.0.113.9:80", []string{"192.0.2.1"}, "203.0.113.9"},
		"a stranger claims to be a proxy":           {"203.0.113.9:80", []string{"10.0.0.1"}, "203.0.113.9"},
		"a proxy claims nothing":                    {"10.0.0.1:80", nil, "10.0.0.1"},
		"a proxy of a network":                      {"10.0.0.1:80", []string{"192.0.2.1"}, "192.0.2.1"},
		"a proxy of an address":                     {"198.51.100.7:80", []string{"192.0.2.1"}, "192.0.2.1"},
		"the neighbour of that address":             {"198.51.100.8:80", []string{"192.0.2.1"}, "198.51.100.8"},
		"a proxy of version 6":                      {"[fd12::1]:80", []string{"2001:db8::5"}, "2001:db8::5"},
		"a proxy with a zone":                       {"[fe80::1%eth0]:80", []string{"2001:db8::5"}, "2001:db8::5"},
		"a proxy of version 4 seen as one of 6":     {"[::ffff:10.0.0.1]:80", []string{"192.0.2.1"}, "192.0.2.1"},
		"a client of version 4 written as one of 6": {"10.0.0.1:80", []string{"::ffff:192.0.2.1"}, "192.0.2.1"},
		"what the client has sent comes first":      {"10.0.0.1:80", []string{"127.0.0.1, 192.0.2.1"}, "192.0.2.1"},
		"what the client has sent cannot be read":   {"10.0.0.1:80", []string{"<script>,,;, 192.0.2.1"}, "192.0.2.1"},
		"the client names a proxy":                  {"10.0.0.1:80", []string{"10.0.0.2, 192.0.2.1"}, "192.0.2.1"},
		"several proxies":                           {"10.0.0.1:80", []string{"127.0.0.1, 192.0.2.1,10.1.1.1 ,\t10.2.2.2"}, "192.0.2.1"},
		"several headers":                           {"10.0.0.1:80", []string{"127.0.0.1", "192.0.2.1", "10.1.1.1,10.2.2.2"}, "192.0.2.1"},
		"proxies only":                              {"10.0.0.1:80", []string{"10.0.0.2", "10.0.0.3"}, "10.0.0.1"},
		"ports":                                     {"10.0.0.1:80", []string{"192.0.2.1:4711, 10.0.0.3:80, [fd00::1]:80"}, "192.0.2.1"},
		"brackets without a port":                   {"10.0.0.1:80", []string{"[2001:db8::5]"}, "2001:db8::5"},
		"version 4 in brackets":                     {"10.0.0.1:80", []string{"[192.0.2.1]"}, "10.0.0.1"},
		"a zone is dropped":                         {"10.0.0.1:80", []string{"fe90::1%" + strings.Repeat("x", 20) + ", fe80::1%eth0"}, "10.0.0.1"},
		"a zone of a client":                        {"10.0.0.1:80", []string{"2001:db8::5%x"}, "2001:db8::5"},
		"nothing":                                   {"10.0.0.1:80", []string{""}, "10.0.0.1"},
		"an empty place":                            {"10.0.0.1:80", []string{"192.0.2.1,"}, "10.0.0.1"},
		"unknown":                                   {"10.0.0.1:80", []string{"unknown"}, "10.0.0.1"},
		"a name":                                    {"10.0.0.1:80", []string{"example.com"}, "10.0.0.1"},
		"no address at all":                         {"10.0.0.1:80", []string{"0.0.0.0"}, "10.0.0.1"},
		"an address for many":                       {"10.0.0.1:80", []string{"ff02::1"}, "10.0.0.1"},
		"digits that another reader takes as octal": {"10.0.0.1:80", []string{"192.0.2.010"}, "10.0.0.1"},
		"forged lines":                              {"10.0.0.1:80", []string{"192.0.2.1\r\nX-Forwarded-For: 192.0.2.2"}, "10.0.0.1"},
		"100 KB of proxies":                         {"10.0.0.1:80", []string{"192.0.2.1" + strings.Repeat(",10.0.0.2", 11_000)}, "10.0.0.1"},
		"100 KB before the client":                  {"10.0.0.1:80", []string{strings.Repeat("x", 100_000) + ",192.0.2.1"}, "192.0.2.1"},
		"100 KB without a comma":                    {"10.0.0.1:80", []string{strings.Repeat("1", 100_000)}, "10.0.0.1"},
		"a peer on a socket file":                   {"@", []string{"192.0.2.1"}, ""},
	} {
		require.Equal(t, tt.want, p.Client(request(tt.peer, tt.claims...)), name)
	}
}

func TestWithoutProxiesNobodyIsBelieved(t *testing.T) {
	t.Parallel()
	p, err := New(nil)
	require.NoError(t, err)
	for _, peer := range []string{"127.0.0.1", "10.0.0.1", "::1", "fe80::1%eth0"} {
		require.Equal(t, peer, p.Client(request("["+peer+"]:80", "192.0.2.1")))
	}
}

func TestWhatIsNoNetworkIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "10.0.0.0/33", "10.0.0", "localhost", "::ffff:10.0.0.0/104", "fe80::1%eth0", "10.0.0.0/8,192.168.0.0/16"} {
		_, err := New([]string{"10.0.0.0/8", text})
		require.ErrorContains(t, err, `"`+text+`" is no network`)
	}
}

// Whatever stands in the header, the answer is an address, and one that the peer was entitled to name.
func FuzzClient(f *testing.F) {
	trusting, err := New([]string{"10.0.0.0/8", "fd00::/8"})
	require.NoError(f, err)
	for _, seed := range []string{"", "192.0.2.1", "a, [::1]:80", "10.0.0.1,,", "::ffff:10.0.0.1%x", "1.2.3.4:99999", "[fd00::1%z]:1, fd00::2"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		require.Equal(t, "203.0.113.9", trusting.Client(request("203.0.113.9:80", first, second)))
		client := trusting.Client(request("10.0.0.1:80", first, second))
		addr, err := netip.ParseAddr(client)
		require.NoError(t, err)
		require.Empty(t, addr.Zone())
		require.True(t, client == "10.0.0.1" || !trusting.trusts(addr))
		require.Equal(t, "192.0.2.1", trusting.Client(request("10.0.0.1:80", first, second, "192.0.2.1")), "what is further left changes nothing")
	})
}
