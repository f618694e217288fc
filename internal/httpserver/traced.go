package httpserver

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/yourorg/platform/pkg/logger"
	"github.com/yourorg/platform/pkg/problem"
)

// begin starts the span of a request, below the caller's. It has the template of the route and never the path or the query,
// which may hold what is secret. What is known only at the end is added by traced.
func (s *Server) begin(ctx context.Context, c *gin.Context) (context.Context, func()) {
	method, route := methodOf(c), c.FullPath()
	name := method
	if route != "" {
		name += " " + route
	}
	if len(c.Request.Header["Traceparent"]) == 1 {
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(c.Request.Header))
	}
	ctx, span := s.tracer.Begin(ctx, name, trace.SpanKindServer,
		attribute.String("http.request.method", method), attribute.String("http.route", route),
		attribute.String("url.scheme", s.scheme()), attribute.String("network.protocol.version", protocol(c.Request)),
		attribute.String("platform.request_id", logger.FromContext(ctx).ID))
	return ctx, func() { span.End() }
}

// traced tells the span how the request ended. Only what is the server's fault is an error.
func traced(c *gin.Context, status, size int) {
	span := trace.SpanFromContext(c.Request.Context())
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(attribute.Int("http.response.status_code", status), attribute.Int("http.response.body.size", size))
	if v, failed := c.Get(problemKey); failed {
		span.SetAttributes(attribute.String("error.type", v.(*problem.Problem).Code))
	}
	if status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, "")
	}
}

// observeIn lets a measurement name its trace when that is recorded, so that a dashboard leads from one to the other.
func observeIn(ctx context.Context, o prometheus.Observer, took time.Duration) {
	sc := trace.SpanContextFromContext(ctx)
	if exemplars, ok := o.(prometheus.ExemplarObserver); ok && sc.IsSampled() {
		exemplars.ObserveWithExemplar(took.Seconds(), prometheus.Labels{"trace_id": sc.TraceID().String()})
		return
	}
	o.Observe(took.Seconds())
}

func (s *Server) scheme() string {
	if s.cfg.TLS.On() {
		return "https"
	}
	return "http"
}

func protocol(r *http.Request) string {
	if r.ProtoMajor >= 2 {
		return "2"
	}
	return "1.1"
}

// methodOf is a method of a fixed list: it is a label of metrics, and the name of a span.
func methodOf(c *gin.Context) string {
	if knownMethods[c.Request.Method] {
		return c.Request.Method
	}
	return "other"
}
