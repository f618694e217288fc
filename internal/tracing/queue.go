package tracing

import (
	"context"
	"fmt"
	"sync"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/zap"
)

// queue holds the spans that wait to be sent. Whoever ends a span never waits: what finds no room is dropped and counted,
// which the batch processor of the library does not tell.
type queue struct {
	cfg      Config
	exporter sdk.SpanExporter
	metrics  *Metrics
	log      *zap.Logger

	sending context.Context //nolint:containedctx // of everything that is sent, ended by Shutdown
	abandon context.CancelFunc
	ended   chan struct{}

	mu     sync.RWMutex
	closed bool
	spans  chan sdk.ReadOnlySpan

	failing bool // of the goroutine that sends
}

var _ sdk.SpanProcessor = (*queue)(nil)

func newQueue(cfg Config, e sdk.SpanExporter, m *Metrics, log *zap.Logger) *queue {
	q := &queue{cfg: cfg, exporter: e, metrics: m, log: log, ended: make(chan struct{}), spans: make(chan sdk.ReadOnlySpan, cfg.Queue)}
	q.sending, q.abandon = context.WithCancel(context.Background())
	go q.run()
	return q
}

// OnStart implements sdk.SpanProcessor.
func (*queue) OnStart(context.Context, sdk.ReadWriteSpan) {}

// OnEnd implements sdk.SpanProcessor.
func (q *queue) OnEnd(s sdk.ReadOnlySpan) {
	if !s.SpanContext().IsSampled() {
		return
	}
	q.mu.RLock()
	defer q.mu.RUnlock()
	if q.closed {
		q.metrics.dropped(stopped, 1)
		return
	}
	select {
	case q.spans <- s:
	default:
		q.metrics.dropped(queueFull, 1)
	}
}

func (q *queue) run() {
	defer close(q.ended)
	batch := make([]sdk.ReadOnlySpan, 0, q.cfg.BatchSize)
	tick := time.NewTicker(q.cfg.BatchInterval)
	defer tick.Stop()
	for {
		select {
		case s, more := <-q.spans:
			if !more {
				q.send(batch)
				return
			}
			if batch = append(batch, s); len(batch) < q.cfg.BatchSize {
				continue
			}
		case <-tick.C:
		}
		q.send(batch)
		clear(batch)
		batch = batch[:0]
	}
}

// send says once that the collector cannot be reached, and once that it can again.
func (q *queue) send(batch []sdk.ReadOnlySpan) {
	if len(batch) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(q.sending, q.cfg.Timeout)
	defer cancel()
	err := ctx.Err()
	if err == nil {
		err = q.exporter.ExportSpans(ctx, batch)
	}
	if err != nil {
		q.metrics.dropped(exportFailed, len(batch))
	} else {
		q.metrics.exported(len(batch))
	}
	switch {
	case err != nil && !q.failing:
		q.log.Warn("spans cannot be sent for now", zap.Stringer("to", q.cfg.Endpoint), zap.Error(err))
	case err == nil && q.failing:
		q.log.Info("spans are sent again", zap.Stringer("to", q.cfg.Endpoint))
	}
	q.failing = err != nil
}

// ForceFlush implements sdk.SpanProcessor. Nobody asks for it.
func (*queue) ForceFlush(context.Context) error { return nil }

// Shutdown implements sdk.SpanProcessor: it sends what waits while tracing.stop_timeout and ctx allow. A collector that is away
// is no fault of the stop.
func (q *queue) Shutdown(ctx context.Context) error {
	q.mu.Lock()
	if !q.closed {
		q.closed = true
		close(q.spans)
	}
	q.mu.Unlock()
	limit := time.AfterFunc(q.cfg.StopTimeout, q.abandon)
	defer limit.Stop()
	defer q.abandon()
	select {
	case <-q.ended:
	case <-ctx.Done():
		return nil
	}
	if err := q.exporter.Shutdown(ctx); err != nil {
		return fmt.Errorf("end the connection to the collector: %w", err)
	}
	return nil
}
