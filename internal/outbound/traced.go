package outbound

import (
	"net/http"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/yourorg/platform/internal/tracing"
)

// traced makes a span of each request, the redirected ones too, and tells the other server about it. The span has the host;
// paths and queries are left out, because they are what keeps the address of many a webhook secret.
type traced struct {
	next http.RoundTripper
	bare bool // the tracestate of others stays here: a stranger has chosen the address
}

func (t traced) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, span := tracing.Child(r.Context(), r.Method, trace.SpanKindClient,
		attribute.String("http.request.method", r.Method), attribute.String("server.address", r.URL.Hostname()),
		attribute.Int("server.port", port(r)), attribute.String("url.scheme", r.URL.Scheme))
	if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
		r = r.Clone(ctx) // a RoundTripper may not change the request
		propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(r.Header))
		if t.bare {
			r.Header.Del("Tracestate")
		}
	}
	answer, err := t.next.RoundTrip(r)
	if err == nil && span.IsRecording() {
		span.SetAttributes(attribute.Int("http.response.status_code", answer.StatusCode))
		if answer.StatusCode >= http.StatusBadRequest {
			span.SetStatus(codes.Error, "")
		}
	}
	tracing.End(span, err)
	return answer, err
}

func (t traced) CloseIdleConnections() { closeIdle(t.next) }

func port(r *http.Request) int {
	if n, err := strconv.Atoi(r.URL.Port()); err == nil {
		return n
	}
	if r.URL.Scheme == "http" {
		return 80
	}
	return 443
}
