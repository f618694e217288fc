//go:build soak

package idempotency_test

import (
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSoakKeys races for 20,000 keys, or PLATFORM_SOAK_KEYS, over two replicas.
func TestSoakKeys(t *testing.T) {
	keys := 20_000
	if n, err := strconv.Atoi(os.Getenv("PLATFORM_SOAK_KEYS")); err == nil {
		keys = n
	}
	r := newRig(t)
	replicas := []*rig{r, replica(t, r.DatabaseURL())}
	r.owner.Token, _ = r.Login(t, r.owner.Email, r.owner.Password)
	tally := race(t, keys, r.owner.Token, replicas...)
	require.Equal(t, keys, tally[first])
	r.onceEach(t, keys)
}
