//go:build soak

package httpserver_test

import (
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
)

// TestSoakKeys races for 20,000 keys, or PLATFORM_SOAK_KEYS, on Postgres over two replicas.
func TestSoakKeys(t *testing.T) {
	keys := 20_000
	if n, err := strconv.Atoi(os.Getenv("PLATFORM_SOAK_KEYS")); err == nil {
		keys = n
	}
	r := newWorkshop(t)
	replicas := []*workshop{r}
	if testapp.Postgres() {
		replicas = append(replicas, replica(t, r.DatabaseURL()))
	}
	tally := race(t, keys, r.owner.Token, replicas...)
	require.Equal(t, keys, tally[first])
	r.onceEach(t, keys)
}
