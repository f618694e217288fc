package errorbus_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	internalbus "github.com/yourorg/platform/internal/errorbus"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/errorbus"
	"github.com/yourorg/platform/pkg/logger"
	"github.com/yourorg/platform/pkg/tenant"
)

const dropped = "platform_errors_dropped_total"

var errBroken = errors.New("broken")

// sink does with a report what a test wants.
type sink struct {
	name string
	send func(ctx context.Context, r errorbus.Report) error
}

func (s sink) Name() string                                      { return s.name }
func (s sink) Send(ctx context.Context, r errorbus.Report) error { return s.send(ctx, r) }

func started(t *testing.T, sinks ...errorbus.Sink) (*internalbus.Bus, *internalbus.Metrics, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zap.DebugLevel)
	m := internalbus.NewMetrics()
	b := internalbus.New(zap.New(core), m, sinks...)
	require.NoError(t, b.Start(t.Context()))
	return b, m, logs
}

func TestAReportSaysForWhomItHappened(t *testing.T) {
	t.Parallel()
	reports := make(chan errorbus.Report, 1)
	b, _, logs := started(t, sink{"test", func(_ context.Context, r errorbus.Report) error { reports <- r; return nil }})
	user, owner := uuid.New(), uuid.New()
	ctx := logger.NewContext(t.Context(), &logger.Request{ID: "r1", TraceID: "t1"})
	ctx = tenant.NewContext(auth.NewContext(ctx, &auth.Caller{UserID: user}), owner)
	before := time.Now()
	b.Report(ctx, errorbus.Report{Source: "http", Operation: "GET /x/:id", Err: errBroken})
	r := <-reports
	require.WithinRange(t, r.Time, before, time.Now())
	r.Time = time.Time{}
	require.Equal(t, errorbus.Report{
		Source: "http", Operation: "GET /x/:id", Err: errBroken, RequestID: "r1", TraceID: "t1", Tenant: owner, User: user,
	}, r)
	other := uuid.New()
	b.Report(ctx, errorbus.Report{Source: "plugins", Err: errBroken, Tenant: other, RequestID: "r2"})
	r = <-reports
	require.Equal(t, []any{other, user, "r2", "t1"}, []any{r.Tenant, r.User, r.RequestID, r.TraceID}, "what it says itself stays")
	line := logs.FilterMessage("unexpected error").All()
	require.Len(t, line, 2)
	require.Equal(t, map[string]any{
		"request_id": "r1", "trace_id": "t1", "user_id": user.String(), "tenant_id": owner.String(),
		"source": "http", "operation": "GET /x/:id", "error": "broken",
	}, line[0].ContextMap())
	require.NoError(t, b.Stop(t.Context()))
}

func TestASlowSinkHoldsUpNobody(t *testing.T) {
	t.Parallel()
	var got []string
	begun, release := make(chan struct{}), make(chan struct{})
	slow := sink{"slow", func(context.Context, errorbus.Report) error {
		select {
		case begun <- struct{}{}:
		default:
		}
		<-release
		return nil
	}}
	quick := make(chan string, 2000)
	b, m, _ := started(t, slow, sink{"quick", func(_ context.Context, r errorbus.Report) error { quick <- r.Err.Error(); return nil }})
	report := func(n int) { b.Report(t.Context(), errorbus.Report{Source: "jobs", Err: fmt.Errorf("%d", n)}) }
	report(0)
	<-begun
	for n := 1; n < 1000; n++ {
		report(n)
		got = append(got, <-quick) // it is not held up either, and gets them in order
	}
	got = append(got, <-quick)
	require.Len(t, got, 1000)
	require.Equal(t, "999", got[999])
	require.Equal(t, 1000.0-1-256, counted(t, m, dropped, "slow"), "one is on its way, and so many may wait")
	close(release)
	require.NoError(t, b.Stop(t.Context()))
	report(1000) // into the log only
}

// counted is the counter that has a label of that value.
func counted(t *testing.T, m *internalbus.Metrics, name, value string) float64 {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	require.NoError(t, r.Register(m))
	families, err := r.Gather()
	require.NoError(t, err)
	for _, f := range families {
		for _, one := range f.GetMetric() {
			for _, label := range one.GetLabel() {
				if f.GetName() == name && label.GetValue() == value {
					return one.GetCounter().GetValue()
				}
			}
		}
	}
	return 0
}

func TestASinkThatFailsIsToldOfOnce(t *testing.T) {
	t.Parallel()
	reports := make(chan int)
	n := 0
	b, m, logs := started(t, sink{"broken", func(context.Context, errorbus.Report) error {
		defer func() { reports <- n }()
		switch n++; {
		case n == 2:
			panic("oh")
		case n < 4:
			return errBroken
		}
		return nil
	}})
	for range 5 {
		b.Report(t.Context(), errorbus.Report{Source: "events", Err: errBroken, Stack: []byte("here")})
		<-reports
	}
	require.NoError(t, b.Stop(t.Context()))
	require.Len(t, logs.FilterMessage("errors cannot be reported for now").All(), 1)
	require.Len(t, logs.FilterMessage("errors are reported again").All(), 1)
	require.Equal(t, 3.0, counted(t, m, dropped, "broken"))
	require.Equal(t, "here", logs.FilterMessage("panic").All()[0].ContextMap()["stack"])
	require.Equal(t, 5.0, counted(t, m, "platform_errors_total", "events"))
}

func TestAStopSendsWhatWaitsWhileItMay(t *testing.T) {
	t.Parallel()
	var sent atomic.Int32
	release := make(chan struct{})
	b, _, _ := started(t, sink{"late", func(context.Context, errorbus.Report) error {
		<-release
		sent.Add(1)
		return nil
	}})
	for range 10 {
		b.Report(t.Context(), errorbus.Report{Source: "http", Err: errBroken})
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, b.Stop(over), context.Canceled)
	require.Zero(t, sent.Load())
	close(release)
	require.Eventually(t, func() bool { return sent.Load() == 10 }, time.Minute, time.Millisecond)

	b, _, _ = started(t, sink{"prompt", func(context.Context, errorbus.Report) error { sent.Add(1); return nil }})
	for range 10 {
		b.Report(t.Context(), errorbus.Report{Source: "http", Err: errBroken})
	}
	require.NoError(t, b.Stop(t.Context()))
	require.EqualValues(t, 20, sent.Load())
}
