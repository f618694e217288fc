package tracing

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"
	collect "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	pkgconfig "github.com/yourorg/platform/pkg/config"
)

// taker is a collector that speaks gRPC.
type taker struct {
	collect.UnimplementedTraceServiceServer
	names chan string
	keys  chan []string
}

func (s *taker) Export(ctx context.Context, sent *collect.ExportTraceServiceRequest) (*collect.ExportTraceServiceResponse, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	s.keys <- md.Get("x-key")
	s.names <- sent.GetResourceSpans()[0].GetScopeSpans()[0].GetSpans()[0].GetName()
	return &collect.ExportTraceServiceResponse{}, nil
}

func TestSpansAreSentOverGRPCWithTheHeaders(t *testing.T) {
	t.Parallel()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server, to := grpc.NewServer(), &taker{names: make(chan string, 1), keys: make(chan []string, 1)}
	collect.RegisterTraceServiceServer(server, to)
	go func() { _ = server.Serve(ln) }()
	t.Cleanup(server.Stop)

	cfg := DefaultConfig()
	cfg.Enabled, cfg.Protocol, cfg.Endpoint = true, overGRPC, pkgconfig.URL("http://"+ln.Addr().String())
	cfg.Headers, cfg.StopTimeout = map[string]pkgconfig.Secret{"x-key": "hunter2"}, time.Minute
	tracer, err := New(cfg, pkgconfig.Test, NewMetrics(), zap.NewNop())
	require.NoError(t, err)
	_, span := tracer.Begin(t.Context(), "over gRPC", trace.SpanKindInternal)
	span.End()
	require.NoError(t, tracer.Stop(t.Context()))
	require.Equal(t, "over gRPC", <-to.names)
	require.Equal(t, []string{"hunter2"}, <-to.keys)
}
