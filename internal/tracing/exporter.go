package tracing

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// The pauses between the attempts to send a batch grow from one to the other, until tracing.timeout is over.
const (
	firstPause   = 500 * time.Millisecond
	longestPause = 5 * time.Second
)

// exporter connects when it sends. It is told everything that the library would look for in the environment otherwise.
func exporter(cfg Config) (sdk.SpanExporter, error) {
	at, err := cfg.endpoint()
	if err != nil {
		return nil, err
	}
	headers := map[string]string{}
	for name, value := range cfg.Headers {
		headers[name] = value.Reveal()
	}
	if cfg.Protocol == overGRPC {
		return otlptracegrpc.New(context.Background(),
			otlptracegrpc.WithEndpointURL(at), otlptracegrpc.WithHeaders(headers), otlptracegrpc.WithTimeout(cfg.Timeout),
			otlptracegrpc.WithCompressor("gzip"), otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{
				Enabled: true, InitialInterval: firstPause, MaxInterval: longestPause, MaxElapsedTime: cfg.Timeout,
			}))
	}
	return otlptracehttp.New(context.Background(),
		otlptracehttp.WithEndpointURL(at), otlptracehttp.WithHeaders(headers), otlptracehttp.WithTimeout(cfg.Timeout),
		otlptracehttp.WithCompression(otlptracehttp.GzipCompression), otlptracehttp.WithRetry(otlptracehttp.RetryConfig{
			Enabled: true, InitialInterval: firstPause, MaxInterval: longestPause, MaxElapsedTime: cfg.Timeout,
		}))
}
