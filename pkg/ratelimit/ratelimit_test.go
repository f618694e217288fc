package ratelimit

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAddressesOfOneClientAreOneSource(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ ip, want string }{
		"an address of version 4":           {"192.0.2.7", "192.0.2.7"},
		"the same within version 6":         {"::ffff:192.0.2.7", "192.0.2.7"},
		"an address of version 6":           {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
		"another one of the same network":   {"2001:db8:1:2::1", "2001:db8:1:2::/64"},
		"one with a zone":                   {"fe80::1%eth0", "fe80::/64"},
		"no address":                        {"@", "@"},
		"no address at all, as in a socket": {"", ""},
	} {
		require.Equal(t, tt.want, Source(tt.ip), name)
	}
}
