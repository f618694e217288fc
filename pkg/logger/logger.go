// Package logger carries the fields of a request to whoever logs on its behalf.
package logger

import (
	"context"

	"go.uber.org/zap"

	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/tenant"
)

// Request identifies the request or job that a context works for. Zero values are left out of the log.
type Request struct {
	ID        string // X-Request-ID
	TraceID   string // W3C trace id, 32 hex digits
	SpanID    string // of the span that works on it, 16 hex digits; empty while nothing is traced
	IP        string // the client's address
	UserAgent string // as the client sent it: any bytes, of any length
}

type requestKey struct{}

// NewContext returns a context that works for r. The Request is shared: do not change it afterwards.
func NewContext(ctx context.Context, r *Request) context.Context {
	return context.WithValue(ctx, requestKey{}, r)
}

// FromContext returns the request that ctx works for, or nil.
func FromContext(ctx context.Context) *Request {
	r, _ := ctx.Value(requestKey{}).(*Request)
	return r
}

// Scope returns the fields that every line about ctx carries: request_id, trace_id, span_id, user_id, key_id and tenant_id, as
// far as they are known. Pass it to a single call, or to log.With for several.
func Scope(ctx context.Context) []zap.Field {
	r, room := FromContext(ctx), 5
	if r != nil && r.SpanID != "" {
		room++
	}
	fields := make([]zap.Field, 0, room)
	if r != nil {
		fields = append(fields, zap.String("request_id", r.ID))
		if r.TraceID != "" {
			fields = append(fields, zap.String("trace_id", r.TraceID))
		}
		if r.SpanID != "" {
			fields = append(fields, zap.String("span_id", r.SpanID))
		}
	}
	if c, ok := auth.FromContext(ctx); ok {
		if c.Key == nil || c.Key.Personal {
			fields = append(fields, zap.Stringer("user_id", c.UserID))
		}
		if c.Key != nil {
			fields = append(fields, zap.Stringer("key_id", c.Key.ID))
		}
	}
	if id, ok := tenant.FromContext(ctx); ok {
		fields = append(fields, zap.Stringer("tenant_id", id))
	}
	return fields
}
