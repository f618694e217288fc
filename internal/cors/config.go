package cors

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/yourorg/platform/pkg/config"
)

// everybody is the origin that stands for all of them.
const everybody = "*"

// Config is the "http.cors" section of the configuration.
type Config struct {
	// AllowedOrigins are the origins whose pages may read answers in a browser, such as https://app.example.com. None by
	// default; * allows all, and cannot be combined with allow_credentials. Pages that sign in with cookies have to be in
	// auth.cookie.trusted_origins too.
	AllowedOrigins []string `mapstructure:"allowed_origins" reload:"true"`
	// TenantOrigins lets tenants allow further origins at their own hosts (tenant.base_domain), with the setting
	// core.cors_origins. Their pages are never sent cookies.
	TenantOrigins bool `mapstructure:"tenant_origins" reload:"true"`
	// AllowedHeaders are the request headers that those pages may set.
	AllowedHeaders []string `mapstructure:"allowed_headers" reload:"true"`
	// AllowCredentials lets those pages send cookies.
	AllowCredentials bool `mapstructure:"allow_credentials" reload:"true"`
	// MaxAge is how long a browser may remember what it was told about an address, in whole seconds.
	MaxAge time.Duration `mapstructure:"max_age" reload:"true"`
}

// DefaultConfig allows no origin.
func DefaultConfig() Config {
	return Config{
		AllowedOrigins: []string{},
		AllowedHeaders: []string{
			"Accept-Language", "Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match",
			"X-API-Key", "X-CSRF-Token", "X-Request-ID", "X-Tenant-ID",
		},
		MaxAge: 10 * time.Minute,
	}
}

// Validate names every key that cannot work.
func (c Config) Validate() error {
	var errs []error
	for _, origin := range c.AllowedOrigins {
		if origin != everybody && !WellFormed(origin) {
			errs = append(errs, config.Invalid("allowed_origins", "must be origins such as https://app.example.com, in lower case and without a path"))
			break
		}
	}
	if slices.Contains(c.AllowedOrigins, everybody) {
		if len(c.AllowedOrigins) > 1 {
			errs = append(errs, config.Invalid("allowed_origins", "must not name others beside *"))
		}
		if c.AllowCredentials {
			errs = append(errs, config.Invalid("allow_credentials", "must not be true when every origin is allowed"))
		}
	}
	for _, name := range c.AllowedHeaders {
		if !httpguts.ValidHeaderFieldName(name) || name == everybody {
			errs = append(errs, config.Invalid("allowed_headers", "must be names of headers"))
			break
		}
	}
	if c.MaxAge < 0 || c.MaxAge > 24*time.Hour {
		errs = append(errs, config.Invalid("max_age", "must be between 0s and 24h"))
	}
	return errors.Join(errs...)
}

// WellFormed accepts what a browser sends as Origin. "null" is the origin of many pages that nobody knows.
func WellFormed(origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" &&
		origin == strings.ToLower(u.Scheme+"://"+u.Host) && u.Port() != map[string]string{"https": "443", "http": "80"}[u.Scheme] &&
		!strings.ContainsAny(u.Host, "*") && !strings.HasSuffix(u.Host, ":")
}

// methods are those of every contract.
var methods = strings.Join([]string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
}, ", ")
