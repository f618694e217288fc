package telemetry

import "github.com/yourorg/platform/pkg/config"

// MetricsConfig is the "metrics" section of the configuration.
type MetricsConfig struct {
	// TopTenants is how many of the busiest tenants platform_tenant_requests_total tells apart; the others are one. 0 is none,
	// and there is no such metric.
	TopTenants int `mapstructure:"top_tenants"`
}

// DefaultMetricsConfig tells ten tenants apart.
func DefaultMetricsConfig() MetricsConfig { return MetricsConfig{TopTenants: 10} }

// Validate names every key that cannot work.
func (c MetricsConfig) Validate() error {
	if c.TopTenants < 0 || c.TopTenants > 100 {
		return config.Invalid("top_tenants", "must be between 0 and 100")
	}
	return nil
}
