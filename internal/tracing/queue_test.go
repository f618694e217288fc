package tracing

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// away is a collector that does not answer, until it is there.
type away struct {
	mu    sync.Mutex
	there bool
	sizes []int
}

func (a *away) ExportSpans(ctx context.Context, batch []sdk.ReadOnlySpan) error {
	a.mu.Lock()
	there := a.there
	a.mu.Unlock()
	if !there {
		<-ctx.Done()
		return ctx.Err()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sizes = append(a.sizes, len(batch))
	return nil
}

func (*away) Shutdown(context.Context) error { return nil }

func (a *away) set(there bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.there = there
}

// counted is how many spans were dropped for a reason, or exported without one.
func counted(t *testing.T, m *Metrics, reason string) float64 {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	require.NoError(t, r.Register(m))
	families, err := r.Gather()
	require.NoError(t, err)
	for _, f := range families {
		for _, one := range f.GetMetric() {
			label := ""
			for _, l := range one.GetLabel() {
				label = l.GetValue()
			}
			if label == reason {
				return one.GetCounter().GetValue()
			}
		}
	}
	require.Fail(t, "no such counter", reason)
	return 0
}

func span(flags trace.TraceFlags) sdk.ReadOnlySpan {
	return tracetest.SpanStub{Name: "x", SpanContext: trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}, TraceFlags: flags,
	})}.Snapshot()
}

func small() Config {
	cfg := DefaultConfig()
	cfg.Queue, cfg.BatchSize, cfg.BatchInterval, cfg.Timeout, cfg.StopTimeout = 10, 4, time.Second, 3*time.Second, 2*time.Second
	return cfg
}

func TestACollectorThatIsAwayHoldsUpNothingAndWhatIsDroppedIsCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, to := NewMetrics(), &away{}
		core, logs := observer.New(zap.InfoLevel)
		q := newQueue(small(), to, m, zap.New(core))
		begun := time.Now()
		for range 4 {
			q.OnEnd(span(trace.FlagsSampled))
		}
		synctest.Wait() // the first batch is on its way
		for range 100 {
			q.OnEnd(span(trace.FlagsSampled))
		}
		q.OnEnd(span(0)) // not to be recorded, so not missing
		require.Equal(t, begun, time.Now(), "nobody has waited")
		require.Equal(t, 90.0, counted(t, m, queueFull))

		time.Sleep(3 * time.Second)
		synctest.Wait()
		require.Equal(t, 4.0, counted(t, m, exportFailed))
		require.Equal(t, 1, logs.FilterMessage("spans cannot be sent for now").Len())

		to.set(true)
		time.Sleep(5 * time.Second)
		sent, lost := counted(t, m, ""), counted(t, m, exportFailed)
		require.Equal(t, 14.0, sent+lost)
		require.Greater(t, lost, 4.0, "the second batch was under way already")
		require.Positive(t, sent)
		require.Equal(t, 1, logs.FilterMessage("spans cannot be sent for now").Len())
		require.Equal(t, 1, logs.FilterMessage("spans are sent again").Len())
		require.NoError(t, q.Shutdown(t.Context()))
	})
}

func TestAStopSendsWhatWaitsAndIsNotHeldUpByACollectorThatIsAway(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		there   bool
		patient time.Duration // of the one who stops
		took    time.Duration
	}{
		"the collector is there": {true, time.Minute, 0},
		"it is away":             {false, time.Minute, 2 * time.Second},
		"it is away, and the stop has little time": {false, 500 * time.Millisecond, 500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m, to := NewMetrics(), &away{there: tt.there}
				q := newQueue(small(), to, m, zap.NewNop())
				for range 9 {
					q.OnEnd(span(trace.FlagsSampled))
				}
				ctx, cancel := context.WithTimeout(t.Context(), tt.patient)
				defer cancel()
				begun := time.Now()
				require.NoError(t, q.Shutdown(ctx))
				require.Equal(t, tt.took, time.Since(begun))
				q.OnEnd(span(trace.FlagsSampled)) // too late
				synctest.Wait()
				sent, lost := counted(t, m, ""), counted(t, m, exportFailed)
				require.Equal(t, 9.0, sent+lost)
				require.Equal(t, tt.there, lost == 0)
				require.Equal(t, 1.0, counted(t, m, stopped))
				require.NoError(t, q.Shutdown(t.Context()), "twice")
			})
		})
	}
}

func TestAnErrorIsKeptByItsCodeOrTypeAndNeverByItsText(t *testing.T) {
	t.Parallel()
	require.Equal(t, "timeout", kindOf(context.DeadlineExceeded))
	require.Equal(t, "canceled", kindOf(context.Canceled))
	require.Equal(t, "*errors.errorString", kindOf(errors.New("the password is hunter2")))
}
