// Package tracing makes spans of what the platform does, and sends them to a collector.
//
// What begins a piece of work (a request, a delivery of an event, an attempt at a job) asks its Tracer, which is nil while
// tracing is off. What happens within one (a statement, a call to another server) asks Child, which needs the context only:
// the span in it knows where it is sent. So two platforms in one process keep apart, and nothing is global.
package tracing

import (
	"context"
	"fmt"
	"os"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/version"
	"github.com/yourorg/platform/pkg/config"
)

// scope is what the spans say has made them.
const scope = "github.com/yourorg/platform"

// maxValue is the length in bytes at which the text of an attribute is cut: a statement is the longest one.
const maxValue = 1100

// Tracer begins spans. A nil Tracer begins none.
type Tracer struct {
	tracer   trace.Tracer
	provider *sdk.TracerProvider
}

// New returns nil when tracing is off. The collector need not be there.
func New(cfg Config, env config.Environment, m *Metrics, log *zap.Logger) (*Tracer, error) {
	if err := cfg.Validate(); err != nil || !cfg.Enabled {
		return nil, err
	}
	exporter, err := exporter(cfg)
	if err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	provider := sdk.NewTracerProvider(
		sdk.WithSpanProcessor(newQueue(cfg, exporter, m, log)), sdk.WithSampler(newSampler(cfg)), sdk.WithResource(describe(cfg, env)),
		sdk.WithRawSpanLimits(sdk.SpanLimits{
			AttributeValueLengthLimit: maxValue, AttributeCountLimit: 64, EventCountLimit: 64, LinkCountLimit: 64,
			AttributePerEventCountLimit: 16, AttributePerLinkCountLimit: 16,
		}),
	)
	return &Tracer{tracer: provider.Tracer(scope), provider: provider}, nil
}

func describe(cfg Config, env config.Environment) *resource.Resource {
	attributes := []attribute.KeyValue{
		attribute.String("service.name", cfg.ServiceName), attribute.String("service.version", version.Get().Version),
		attribute.String("service.instance.id", uuid.NewString()), attribute.String("deployment.environment.name", string(env)),
		attribute.String("telemetry.sdk.name", "opentelemetry"), attribute.String("telemetry.sdk.language", "go"),
	}
	if host, err := os.Hostname(); err == nil {
		attributes = append(attributes, attribute.String("host.name", host))
	}
	for name, value := range cfg.Attributes { // the last one of a name counts
		attributes = append(attributes, attribute.String(name, value))
	}
	return resource.NewSchemaless(attributes...)
}

// Stop sends what waits, for tracing.stop_timeout at most and while ctx allows.
func (t *Tracer) Stop(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}
