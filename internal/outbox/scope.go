package outbox

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/event"
	"github.com/yourorg/platform/pkg/logger"
	"github.com/yourorg/platform/pkg/tenant"
)

const traceparent = "traceparent"

// describe writes on e for whom and by whom it is published.
func describe(ctx context.Context, e *event.Envelope) {
	if id, ok := tenant.FromContext(ctx); ok {
		e.Tenant = id
	}
	if c, ok := auth.FromContext(ctx); ok {
		e.Actor = c.UserID
	}
	r := logger.FromContext(ctx)
	if r != nil {
		e.RequestID = strings.ToValidUTF8(r.ID, "")
	}
	carried := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carried)
	if e.Trace = carried[traceparent]; e.Trace != "" || r == nil {
		return
	}
	if id, err := trace.TraceIDFromHex(r.TraceID); err == nil { // we do not trace, but whoever called us does
		span := trace.SpanID(e.ID[8:])
		propagation.TraceContext{}.Inject(trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: span})), carried)
		e.Trace = carried[traceparent]
	}
}

// restore returns the context in which e is handled: as if whoever published it were calling.
func restore(ctx context.Context, e *event.Envelope) context.Context {
	ctx = tenant.NewContext(ctx, e.Tenant) // zero is no tenant; either way it ends any System scope
	if e.Actor != uuid.Nil {
		ctx = auth.NewContext(ctx, &auth.Caller{UserID: e.Actor, TenantID: e.Tenant})
	}
	request := &logger.Request{ID: e.RequestID}
	if e.Trace != "" {
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{traceparent: e.Trace})
		if sc := trace.SpanContextFromContext(ctx); sc.HasTraceID() {
			request.TraceID = sc.TraceID().String()
		}
	}
	return event.NewContext(logger.NewContext(ctx, request), e)
}

// inside is the context of a transaction about one tenant: its rows can be reached, and all rows when there is none.
func inside(ctx context.Context, id uuid.UUID) context.Context {
	if id == uuid.Nil {
		return tenant.System(ctx, "outbox")
	}
	return tenant.NewContext(ctx, id)
}
