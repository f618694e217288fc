package jobs

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/yourorg/platform/internal/tracing"
	"github.com/yourorg/platform/pkg/job"
)

// observed makes a span of an attempt, below that of whoever asked for the job.
func observed(tracer *tracing.Tracer, next do) do {
	if tracer == nil {
		return next
	}
	return func(ctx context.Context, j *job.Job) (err error) {
		ctx, span := tracer.Begin(ctx, "run "+j.Kind, trace.SpanKindConsumer, append(about(j), attribute.Int("platform.job.attempt", j.Attempt))...)
		ended := false
		defer func() {
			if !ended { // a panic, which the steps around this one make an error of
				err = job.ErrPanic
			}
			tracing.End(span, err)
		}()
		err = next(ctx, j)
		ended = true
		return err
	}
}

func about(j *job.Job) []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("messaging.system", "platform"), attribute.String("messaging.destination.name", j.Queue),
		attribute.String("messaging.message.id", j.ID.String()), attribute.String("platform.job.kind", j.Kind),
	}
}
