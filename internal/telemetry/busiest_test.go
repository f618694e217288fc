package telemetry

import (
	"maps"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// tenantNo is the tenant of a number.
func tenantNo(n int) uuid.UUID { return uuid.UUID{15: byte(n), 14: byte(n >> 8)} }

// exported is what a scrape shows.
func exported(t require.TestingT, b *Busiest) map[string]float64 {
	r := prometheus.NewPedanticRegistry()
	require.NoError(t, r.Register(b))
	families, err := r.Gather()
	require.NoError(t, err)
	shown := map[string]float64{}
	for _, f := range families {
		for _, one := range f.GetMetric() {
			shown[one.GetLabel()[0].GetValue()] = one.GetCounter().GetValue()
		}
	}
	return shown
}

func TestTheBusiestTenantsHaveACounterOfTheirOwn(t *testing.T) {
	t.Parallel()
	b, now := NewBusiest(2), time.Unix(1000, 0)
	count := func(tenant, times int) {
		for range times {
			b.Count(tenantNo(tenant), now)
		}
	}
	count(1, 10)
	count(2, 20)
	count(3, 5)
	require.Equal(t, map[string]float64{"other": 35}, exported(t, b))

	now = now.Add(term)
	count(1, 10)
	count(2, 10)
	count(3, 19)
	require.Equal(t, map[string]float64{tenantNo(1).String(): 10, tenantNo(2).String(): 10, "other": 35 + 19}, exported(t, b))

	now = now.Add(term)
	count(1, 10)
	count(2, 11)
	count(3, 21)
	require.Equal(t, 20.0, exported(t, b)[tenantNo(1).String()], "19 are not more than twice as many as 10")

	now = now.Add(term)
	count(3, 1)
	require.Equal(t, map[string]float64{tenantNo(2).String(): 21, tenantNo(3).String(): 1, "other": 35 + 19 + 21}, exported(t, b))

	count(1, 100)
	now = now.Add(term)
	count(1, 1)
	shown := exported(t, b)
	require.Equal(t, 21.0, shown[tenantNo(1).String()], "it goes on where it was")
	require.Len(t, shown, 3)
}

func TestNoTenantIsCountedByItselfWhenThatIsOff(t *testing.T) {
	t.Parallel()
	b := NewBusiest(0)
	b.Count(tenantNo(1), time.Now())
	require.Nil(t, b)
	m := NewMetrics()
	require.NoError(t, m.Register(b), "nothing is registered")
	require.NotContains(t, scrape(m), "platform_tenant")
	require.ErrorContains(t, MetricsConfig{TopTenants: -1}.Validate(), "top_tenants")
	require.NoError(t, DefaultMetricsConfig().Validate())
}

// However the load moves, no counter falls, all requests are in one of them, and the series that were ever shown are few.
func TestNoCounterFallsAndTheSeriesAreBoundedHoweverTheLoadMoves(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		seats := rapid.IntRange(1, 3).Draw(t, "seats")
		b, now := NewBusiest(seats), time.Unix(1000, 0)
		before, ever, total := map[string]float64{}, map[string]bool{}, 0.0
		for range rapid.IntRange(1, 80).Draw(t, "terms") {
			from, spread := rapid.IntRange(0, 500).Draw(t, "from"), rapid.IntRange(1, 60).Draw(t, "spread")
			for i := range rapid.IntRange(1, 120).Draw(t, "requests") {
				b.Count(tenantNo(from+i*i%spread), now)
				total++
			}
			shown, sum := exported(t, b), 0.0
			require.LessOrEqual(t, len(shown), seats+1)
			for name, value := range shown {
				require.GreaterOrEqual(t, value, before[name], name)
				before[name], ever[name] = value, true
			}
			for name, value := range before { // a series that is gone keeps its value until it is back
				require.True(t, ever[name])
				sum += value
			}
			require.Equal(t, total, sum)
			require.LessOrEqual(t, len(b.waiting), watched*seats)
			now = now.Add(term)
		}
		require.LessOrEqual(t, len(ever), everEach*seats+1)
		require.NotEmpty(t, maps.Clone(ever))
	})
}

func TestOneElectionMovesOneSeat(t *testing.T) {
	t.Parallel()
	b, now := NewBusiest(3), time.Unix(1000, 0)
	for term1 := range 2 {
		for n := range 3 {
			for range 10 {
				b.Count(tenantNo(10*term1+n), now)
			}
		}
		now = now.Add(term)
	}
	b.Count(tenantNo(10), now)
	moved := 0
	for n := range 3 {
		if _, there := exported(t, b)[tenantNo(10+n).String()]; there {
			moved++
		}
	}
	require.Equal(t, 1, moved)
}

func BenchmarkBusiest(b *testing.B) {
	for name, tenant := range map[string]int{"seated": 1, "other": 2} {
		b.Run(name, func(b *testing.B) {
			top, now := NewBusiest(1), time.Unix(1000, 0)
			top.Count(tenantNo(1), now)
			now = now.Add(term)
			top.Count(tenantNo(1), now)
			b.ReportAllocs()
			for b.Loop() {
				top.Count(tenantNo(tenant), now)
			}
		})
	}
}
