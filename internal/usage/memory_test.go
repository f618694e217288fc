package usage

import (
	"runtime"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/yourorg/platform/pkg/quota"
)

// nowhere cannot be written to.
type nowhere struct{ Store }

func (nowhere) Dialect() string { return dialect.SQLite }

// dropped is what the metric says.
func dropped(t *testing.T, r *Recorder) float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(r)
	families, err := registry.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == "platform_usage_uncounted_total" {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatal("there is no such metric")
	return 0
}

func TestTenantsBeyondTheRoomAreLeftOut(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	cfg.MaxTenants = 1000
	r := New(cfg, nowhere{}, nil, zap.NewNop())
	now := time.Now()
	var first uuid.UUID
	for i := range 100_000 {
		id := uuid.New()
		if i == 0 {
			first = id
		}
		r.Answered(id, now, Answer{Status: 200})
	}
	require.EqualValues(t, cfg.MaxTenants, r.held.Load())
	require.Len(t, r.full, 1, "the writer has been told")
	require.EqualValues(t, 99_000, dropped(t, r))
	r.Answered(first, now, Answer{Status: 200})
	r.Consumed(uuid.New(), "tokens", 1)
	require.EqualValues(t, 99_001, dropped(t, r), "who has a place keeps it")

	rows := 0
	for _, b := range r.take() {
		require.LessOrEqual(t, len(b.rows), batchRows)
		rows += len(b.rows)
	}
	require.Equal(t, cfg.MaxTenants, rows)
	require.Zero(t, r.held.Load(), "there is room again")
}

func TestAnAmountThatIsNoneIsNotCounted(t *testing.T) {
	t.Parallel()
	r := New(DefaultConfig(), nowhere{}, nil, zap.NewNop())
	id := uuid.New()
	r.Consumed(id, "tokens", 0)
	r.Consumed(id, "tokens", -1)
	require.Empty(t, r.take())
	r.Consumed(id, `to"kens`, 1)
	require.Empty(t, r.take()[0].rows[0].units)
	require.EqualValues(t, 1, dropped(t, r))

	for i := range mostUnits + 1 {
		r.Consumed(id, quota.Unit("u"+string(rune('a'+i/26))+string(rune('a'+i%26))), 1)
	}
	require.Len(t, r.take()[0].rows[0].units, mostUnits)
	require.EqualValues(t, 2, dropped(t, r))
}

func TestNothingIsCountedWhenItIsOff(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	cfg.Enabled = false
	r := New(cfg, nowhere{}, nil, zap.NewNop())
	r.Answered(uuid.New(), time.Now(), Answer{Status: 200})
	r.Consumed(uuid.New(), "tokens", 1)
	require.Empty(t, r.take())
}

func TestSumsStopBeforeTheyOverflow(t *testing.T) {
	t.Parallel()
	r := New(DefaultConfig(), nowhere{}, nil, zap.NewNop())
	id, now := uuid.New(), time.Now()
	for range 3 {
		r.Answered(id, now, Answer{Status: 200, In: 1<<63 - 1, Out: -1, Took: -time.Second})
		ConsumedAt(r, id, now, "tokens", 1<<63-1)
	}
	sums := r.take()[0].rows[0]
	require.EqualValues(t, most, sums.bytesIn)
	require.EqualValues(t, most, sums.units["tokens"])
	require.Zero(t, sums.bytesOut)
	require.Zero(t, sums.took)
}

func BenchmarkAnswered(b *testing.B) {
	r := New(DefaultConfig(), nowhere{}, nil, zap.NewNop())
	ids := make([]uuid.UUID, 1000)
	for i := range ids {
		ids[i] = uuid.New()
	}
	now := time.Now()
	a := Answer{Status: 200, In: 100, Out: 2000, Took: 3 * time.Millisecond}
	b.Run("one tenant", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r.Answered(ids[0], now, a)
		}
	})
	b.Run("a thousand tenants at once", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				r.Answered(ids[i%len(ids)], now, a)
			}
		})
	})
	b.Run("a unit", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			ConsumedAt(r, ids[0], now, "tokens", 7)
		}
	})
}

// BenchmarkMemory measures what a tenant takes between two writes.
func BenchmarkMemory(b *testing.B) {
	cfg := DefaultConfig()
	cfg.MaxTenants = 100_000
	now := time.Now()
	for b.Loop() {
		r := New(cfg, nowhere{}, nil, zap.NewNop())
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for range cfg.MaxTenants {
			r.Answered(uuid.New(), now, Answer{Status: 200})
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(cfg.MaxTenants), "B/tenant")
		runtime.KeepAlive(r)
	}
}
