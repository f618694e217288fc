package tracing

import (
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// sampler decides which traces are recorded. What the platform carries itself, in events and jobs, has been decided before.
type sampler struct {
	fresh  sdk.Sampler
	parent sdk.Sampler
	follow bool // a caller's decision counts
}

func newSampler(cfg Config) sampler {
	fresh := sdk.TraceIDRatioBased(cfg.SampleRatio)
	return sampler{fresh: fresh, parent: sdk.ParentBased(fresh), follow: cfg.FollowCaller}
}

// ShouldSample implements sdk.Sampler.
func (s sampler) ShouldSample(p sdk.SamplingParameters) sdk.SamplingResult {
	if p.Kind == trace.SpanKindServer && !s.follow {
		return s.fresh.ShouldSample(p)
	}
	return s.parent.ShouldSample(p)
}

// Description implements sdk.Sampler.
func (s sampler) Description() string { return s.parent.Description() }
