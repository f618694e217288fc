package jobs

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/job"
	"github.com/yourorg/platform/pkg/logger"
	"github.com/yourorg/platform/pkg/tenant"
)

const traceparent = "traceparent"

// describe writes on j for whom and by whom it is asked for.
func describe(ctx context.Context, j *job.Job) {
	if id, ok := tenant.FromContext(ctx); ok {
		j.Tenant = id
	}
	if c, ok := auth.FromContext(ctx); ok {
		j.Actor = c.UserID
	}
	r := logger.FromContext(ctx)
	if r != nil {
		j.RequestID = strings.ToValidUTF8(strings.ReplaceAll(r.ID, "\x00", ""), "")
	}
	carried := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carried)
	if j.Trace = carried[traceparent]; j.Trace != "" || r == nil {
		return
	}
	if id, err := trace.TraceIDFromHex(r.TraceID); err == nil { // we do not trace, but whoever called us does
		span := trace.SpanContextConfig{TraceID: id, SpanID: trace.SpanID(j.ID[8:])}
		propagation.TraceContext{}.Inject(trace.ContextWithSpanContext(ctx, trace.NewSpanContext(span)), carried)
		j.Trace = carried[traceparent]
	}
}

// restore returns the context in which j is done: as if whoever asked for it were calling.
func restore(ctx context.Context, j *job.Job) context.Context {
	ctx = tenant.NewContext(ctx, j.Tenant) // zero is no tenant; either way it ends any System scope
	if j.Actor != uuid.Nil {
		ctx = auth.NewContext(ctx, &auth.Caller{UserID: j.Actor, TenantID: j.Tenant})
	}
	request := &logger.Request{ID: j.RequestID}
	if j.Trace != "" {
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{traceparent: j.Trace})
		if sc := trace.SpanContextFromContext(ctx); sc.HasTraceID() {
			request.TraceID = sc.TraceID().String()
		}
	}
	return job.NewContext(logger.NewContext(ctx, request), j)
}

// all is the context of what the platform does with the jobs of every tenant.
func all(ctx context.Context) context.Context { return tenant.System(ctx, "jobs") }
