package httpserver

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	pkgterms "github.com/yourorg/platform/pkg/terms"
)

func TestThePolicyOfAnyNumberOfRatesIsRightAndOnlySoManyAreKept(t *testing.T) {
	t.Parallel()
	var p pledges
	of := func(burst int) []string { return p.of(pledge{tenant: pkgterms.Rate{PerSecond: 1, Burst: burst}}) }
	var all sync.WaitGroup
	for from := range 4 {
		all.Go(func() {
			for i := range 2 * mostPledges {
				of(1 + (i+from*mostPledges/2)%(2*mostPledges))
			}
		})
	}
	all.Wait()
	kept := p.said.Load()
	require.Len(t, *kept, mostPledges)
	for burst := 1; burst <= 2*mostPledges; burst++ {
		require.Equal(t, []string{fmt.Sprintf(`"tenant";q=%d;w=%d`, burst, burst)}, of(burst))
	}
	require.Same(t, kept, p.said.Load(), "those that came first stay, and nothing is copied")
}
