package tracing

import (
	"testing"

	"github.com/stretchr/testify/require"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	pkgconfig "github.com/yourorg/platform/pkg/config"
)

func TestEverySettingOfTheTracingIsChecked(t *testing.T) {
	t.Parallel()
	require.NoError(t, DefaultConfig().Validate())
	err := Config{
		Protocol: "udp", Endpoint: "http://user:hunter2@collector", Headers: map[string]pkgconfig.Secret{"a b": "hunter2"}, SampleRatio: 2,
	}.Validate()
	for _, part := range []string{"protocol must", "endpoint must", "headers must", "sample_ratio must", "service_name must", "queue must", "batch_interval must", "timeout must", "stop_timeout must"} {
		require.ErrorContains(t, err, part)
	}
	require.NotContains(t, err.Error(), "hunter2")
	for given, want := range map[pkgconfig.URL]string{
		"http://collector:4318": "http://collector:4318/v1/traces", "https://c/": "https://c/v1/traces", "https://c/otlp/v1/traces": "https://c/otlp/v1/traces",
	} {
		at, err := Config{Endpoint: given}.endpoint()
		require.NoError(t, err)
		require.Equal(t, want, at)
	}
	for _, bad := range []pkgconfig.URL{"", "collector:4318", "ftp://c", "http://c?x=1"} {
		_, err := Config{Endpoint: bad}.endpoint()
		require.Error(t, err, bad)
	}
}

// Allocations are counted for the whole process, so this test runs alone.
func TestNothingIsStartedOrAllocatedWhileItIsOff(t *testing.T) {
	tracer, err := New(DefaultConfig(), pkgconfig.Test, NewMetrics(), zap.NewNop())
	require.NoError(t, err)
	require.Nil(t, tracer)
	ctx, span := tracer.Begin(t.Context(), "x", trace.SpanKindServer)
	require.Equal(t, t.Context(), ctx)
	require.False(t, span.IsRecording())
	require.NoError(t, tracer.Stop(t.Context()))
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_, span := tracer.Begin(ctx, "x", trace.SpanKindServer)
		span.End()
		_, span = Child(ctx, "x", trace.SpanKindClient)
		span.End()
	}))
}

// The environment belongs to the process, so this test runs alone.
func TestTheEnvironmentSaysNothing(t *testing.T) {
	for name, value := range map[string]string{
		"OTEL_TRACES_SAMPLER": "always_off", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://192.0.2.1:1", "OTEL_EXPORTER_OTLP_HEADERS": "a=b",
		"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "1", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_SERVICE_NAME": "another",
	} {
		t.Setenv(name, value)
	}
	for _, protocol := range []string{overHTTP, overGRPC} {
		cfg := DefaultConfig()
		cfg.Enabled, cfg.Protocol = true, protocol
		tracer, err := New(cfg, pkgconfig.Test, NewMetrics(), zap.NewNop())
		require.NoError(t, err)
		_, span := tracer.Begin(t.Context(), "x", trace.SpanKindServer)
		require.True(t, span.IsRecording())
		made := span.(sdk.ReadOnlySpan)
		require.Contains(t, made.Resource().String(), "service.name=platform")
		require.NoError(t, tracer.Stop(t.Context())) // nothing is sent: the span has not ended
	}
}
