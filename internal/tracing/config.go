package tracing

import (
	"errors"
	"net/url"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/yourorg/platform/pkg/config"
)

// Config is the "tracing" section of the configuration. The OTEL_… variables of the environment change nothing: the
// configuration is what counts, and platform config shows it.
type Config struct {
	// Enabled makes spans and sends them. While it is off nothing is made, and a caller's trace id is logged nevertheless.
	Enabled bool `mapstructure:"enabled"`
	// Protocol is how the collector is spoken to: OTLP over http, with protobuf, or grpc.
	Protocol string `mapstructure:"protocol"`
	// Endpoint is the collector: http://collector:4318, or :4317 for grpc; or https://. Over http a path may follow, otherwise
	// it is /v1/traces.
	Endpoint config.URL `mapstructure:"endpoint"`
	// Headers are sent to the collector, such as authorization.
	Headers map[string]config.Secret `mapstructure:"headers"`
	// SampleRatio is the fraction of the traces that begin here and are recorded, from 0 to 1. The trace id decides, so that
	// all replicas keep the same ones. What belongs to a trace goes with it.
	SampleRatio float64 `mapstructure:"sample_ratio"`
	// FollowCaller does as the caller's traceparent says. Where strangers can send one, turn it off: they would decide how much
	// is recorded. Their trace id is kept, and sample_ratio decides.
	FollowCaller bool `mapstructure:"follow_caller"`
	// ServiceName is what the spans are said to come from.
	ServiceName string `mapstructure:"service_name"`
	// Attributes are put on everything that is sent, as in team=core.
	Attributes map[string]string `mapstructure:"attributes"`
	// Queue is how many spans wait to be sent at most. What comes when it is full is dropped and counted.
	Queue int `mapstructure:"queue"`
	// BatchSize is how many spans are sent at once.
	BatchSize int `mapstructure:"batch_size"`
	// BatchInterval is how long a span waits for others at most.
	BatchInterval time.Duration `mapstructure:"batch_interval"`
	// Timeout is how long the collector may take for a batch, retries included.
	Timeout time.Duration `mapstructure:"timeout"`
	// StopTimeout is how long a stopping process sends what waits.
	StopTimeout time.Duration `mapstructure:"stop_timeout"`
}

// The protocols.
const (
	overHTTP = "http"
	overGRPC = "grpc"
)

// DefaultConfig is off, and means a collector on this machine.
func DefaultConfig() Config {
	return Config{
		Protocol: overHTTP, Endpoint: "http://127.0.0.1:4318", SampleRatio: 1, FollowCaller: true, ServiceName: "platform", Headers: map[string]config.Secret{}, Attributes: map[string]string{},
		Queue: 2048, BatchSize: 512, BatchInterval: 5 * time.Second, Timeout: 10 * time.Second, StopTimeout: 2 * time.Second,
	}
}

// Validate names every key that cannot work.
func (c Config) Validate() error {
	var errs []error
	if c.Protocol != overHTTP && c.Protocol != overGRPC {
		errs = append(errs, config.Invalid("protocol", "must be http or grpc"))
	}
	if _, err := c.endpoint(); err != nil {
		errs = append(errs, err)
	}
	for name, value := range c.Headers {
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value.Reveal()) {
			errs = append(errs, config.Invalid("headers", "must be names and values of HTTP headers")) // without the value
		}
	}
	if !(c.SampleRatio >= 0 && c.SampleRatio <= 1) { // not a number is neither
		errs = append(errs, config.Invalid("sample_ratio", "must be between 0 and 1"))
	}
	if c.ServiceName == "" {
		errs = append(errs, config.Invalid("service_name", "must not be empty"))
	}
	if c.Queue < 1 || c.Queue > 1<<20 {
		errs = append(errs, config.Invalid("queue", "must be between 1 and 1048576"))
	}
	if c.BatchSize < 1 || c.BatchSize > c.Queue {
		errs = append(errs, config.Invalid("batch_size", "must be between 1 and queue"))
	}
	for key, d := range map[string]time.Duration{"batch_interval": c.BatchInterval, "timeout": c.Timeout, "stop_timeout": c.StopTimeout} {
		if d <= 0 || d > time.Minute {
			errs = append(errs, config.Invalid(key, "must be positive, and at most 1m"))
		}
	}
	return errors.Join(errs...)
}

func (c Config) endpoint() (string, error) {
	at, err := url.Parse(c.Endpoint.Reveal())
	if err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Host == "" || at.User != nil || at.RawQuery != "" || at.Fragment != "" {
		return "", config.Invalid("endpoint", "must be like http://collector:4318 or https://collector; credentials belong into headers")
	}
	if at.Path == "" || at.Path == "/" {
		at.Path = "/v1/traces" // which grpc passes over
	}
	return at.String(), nil
}
