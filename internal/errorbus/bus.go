// Package errorbus writes what nobody expected into the log, and hands it to the sinks.
package errorbus

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/errorbus"
	"github.com/yourorg/platform/pkg/logger"
	"github.com/yourorg/platform/pkg/tenant"
)

const (
	backlog     = 256 // reports that wait for one sink
	sendTimeout = 5 * time.Second
	stopTimeout = 3 * time.Second // what a stop waits for sinks that are slow
)

// Bus takes reports.
type Bus struct {
	log     *zap.Logger
	metrics *Metrics
	outlets []*outlet
	sending sync.WaitGroup

	mu     sync.RWMutex
	closed bool
}

var _ errorbus.Reporter = (*Bus)(nil)

// outlet is a sink with what waits for it.
type outlet struct {
	errorbus.Sink
	reports chan errorbus.Report
	failing bool
}

// New returns a bus that sends nothing before Start.
func New(log *zap.Logger, m *Metrics, sinks ...errorbus.Sink) *Bus {
	b := &Bus{log: log, metrics: m}
	for _, s := range sinks {
		b.outlets = append(b.outlets, &outlet{Sink: s, reports: make(chan errorbus.Report, backlog)})
	}
	return b
}

// Start begins to send.
func (b *Bus) Start(context.Context) error {
	for _, o := range b.outlets {
		b.sending.Go(func() {
			for r := range o.reports {
				b.send(o, r)
			}
		})
	}
	return nil
}

// Stop sends what waits, for three seconds at most and while ctx allows. What is reported later goes into the log only.
func (b *Bus) Stop(ctx context.Context) error {
	b.mu.Lock()
	b.closed = true
	for _, o := range b.outlets {
		close(o.reports)
	}
	b.mu.Unlock()
	sent := make(chan struct{})
	go func() {
		b.sending.Wait()
		close(sent)
	}()
	select {
	case <-sent:
		return nil
	case <-time.After(stopTimeout): // a sink that is away is no fault of the stop
		b.log.Warn("the last reports of errors were not sent")
		return nil
	case <-ctx.Done():
		return fmt.Errorf("send the last reports of errors: %w", ctx.Err())
	}
}

// Report implements errorbus.Reporter.
func (b *Bus) Report(ctx context.Context, r errorbus.Report) {
	describe(ctx, &r)
	b.metrics.reported(r)
	b.write(ctx, r)
	b.mu.RLock()
	defer b.mu.RUnlock()
	for _, o := range b.outlets {
		if b.closed {
			return
		}
		select {
		case o.reports <- r:
		default:
			b.metrics.dropped(o.Name())
		}
	}
}

// describe writes on r what it does not say itself and ctx knows.
func describe(ctx context.Context, r *errorbus.Report) {
	if r.Time.IsZero() {
		r.Time = time.Now().UTC()
	}
	if request := logger.FromContext(ctx); request != nil {
		r.RequestID, r.TraceID = cmp.Or(r.RequestID, request.ID), cmp.Or(r.TraceID, request.TraceID)
		r.SpanID = cmp.Or(r.SpanID, request.SpanID)
	}
	if caller, ok := auth.FromContext(ctx); ok {
		r.User = cmp.Or(r.User, caller.UserID)
	}
	if id, ok := tenant.FromContext(ctx); ok {
		r.Tenant = cmp.Or(r.Tenant, id)
	}
}

// write is the sink that is always there.
func (b *Bus) write(ctx context.Context, r errorbus.Report) {
	fields := append(logger.Scope(ctx), zap.String("source", r.Source), zap.String("operation", r.Operation), zap.Error(r.Err))
	if r.Panicked() {
		b.log.Error("panic", append(fields, zap.ByteString("stack", r.Stack))...)
		return
	}
	b.log.Error("unexpected error", fields...)
}

// send says once that a sink fails, and once that it works again.
func (b *Bus) send(o *outlet, r errorbus.Report) {
	err := guarded(o.Sink, r)
	if err != nil {
		b.metrics.dropped(o.Name())
	}
	switch {
	case err != nil && !o.failing:
		b.log.Warn("errors cannot be reported for now", zap.String("to", o.Name()), zap.Error(err))
	case err == nil && o.failing:
		b.log.Info("errors are reported again", zap.String("to", o.Name()))
	}
	o.failing = err != nil
}

func guarded(s errorbus.Sink, r errorbus.Report) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the sink panicked: %v", p)
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), sendTimeout)
	defer cancel()
	return s.Send(ctx, r)
}
