package outbox

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/yourorg/platform/pkg/event"
)

// begin starts the span of one delivery, below that of the publication: what an event leads to is part of its trace. The
// transaction that several deliveries share is part of none.
func (h *hands) begin(ctx context.Context, e *event.Envelope) (context.Context, trace.Span) {
	if h.tracer == nil {
		return h.tracer.Begin(ctx, "", trace.SpanKindConsumer)
	}
	return h.tracer.Begin(ctx, "process "+e.Topic, trace.SpanKindConsumer,
		append(about(e), attribute.String("messaging.consumer.group.name", h.Name))...)
}

func about(e *event.Envelope) []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("messaging.system", "platform"), attribute.String("messaging.destination.name", e.Topic),
		attribute.String("messaging.message.id", e.ID.String()),
	}
}
