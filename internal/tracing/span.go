package tracing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/yourorg/platform/pkg/logger"
	"github.com/yourorg/platform/pkg/problem"
)

// Begin starts a span for a piece of work: below the span whose context ctx carries from elsewhere, or else a new trace. The
// lines about the context that it returns carry its ids. Without tracing ctx comes back as it is, with a span that does nothing.
func (t *Tracer) Begin(ctx context.Context, name string, kind trace.SpanKind, attributes ...attribute.KeyValue) (context.Context, trace.Span) {
	if t == nil {
		return ctx, noop.Span{}
	}
	return start(ctx, t.tracer, name, trace.WithSpanKind(kind), trace.WithAttributes(attributes...))
}

// Child starts a span below the one that ctx works in. When that is not recorded, ctx comes back as it is.
func Child(ctx context.Context, name string, kind trace.SpanKind, attributes ...attribute.KeyValue) (context.Context, trace.Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, noop.Span{}
	}
	return start(ctx, parent.TracerProvider().Tracer(scope), name, trace.WithSpanKind(kind), trace.WithAttributes(attributes...))
}

// Recorded tells whether what happens in ctx is recorded, for who would prepare attributes in vain otherwise.
func Recorded(ctx context.Context) bool { return trace.SpanFromContext(ctx).IsRecording() }

// Past makes a span of what has just ended. attributes is called when it is recorded.
func Past(ctx context.Context, kind trace.SpanKind, begun time.Time, took time.Duration, failed bool, describe func() (name string, attributes []attribute.KeyValue)) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return
	}
	name, attributes := describe()
	_, span := parent.TracerProvider().Tracer(scope).Start(ctx, name, trace.WithSpanKind(kind), trace.WithTimestamp(begun), trace.WithAttributes(attributes...))
	if failed {
		span.SetStatus(codes.Error, "")
	}
	span.End(trace.WithTimestamp(begun.Add(took)))
}

func start(ctx context.Context, tracer trace.Tracer, name string, opts ...trace.SpanStartOption) (context.Context, trace.Span) {
	ctx, span := tracer.Start(ctx, name, opts...)
	if r := logger.FromContext(ctx); r != nil {
		sc, within := span.SpanContext(), *r
		within.TraceID, within.SpanID = sc.TraceID().String(), sc.SpanID().String()
		ctx = logger.NewContext(ctx, &within)
	}
	return ctx, span
}

// End ends a span, which has failed unless err is nil. What is kept of err is its code, or else its type: its text may quote what
// a caller sent.
func End(span trace.Span, err error) {
	if err != nil && span.IsRecording() {
		span.SetStatus(codes.Error, "")
		span.SetAttributes(attribute.String("error.type", kindOf(err)))
	}
	span.End()
}

func kindOf(err error) string {
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		return p.Code
	}
	switch {
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	}
	return fmt.Sprintf("%T", err)
}
