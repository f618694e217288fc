package jobs

import (
	"context"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/yourorg/platform/pkg/job"
)

// observed makes a span of an attempt, below that of whoever asked for the job.
func observed(next do) do {
	return func(ctx context.Context, j *job.Job) error {
		ctx, span := otel.Tracer("platform/jobs").Start(ctx, j.Kind, trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
			attribute.String("job.id", j.ID.String()), attribute.String("job.queue", j.Queue), attribute.Int("job.attempt", j.Attempt)))
		defer span.End()
		err := next(ctx, j)
		if err != nil {
			span.SetStatus(codes.Error, reason(err))
		}
		return err
	}
}
