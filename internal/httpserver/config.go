package httpserver

import (
	"errors"
	"net"
	"time"

	"github.com/yourorg/platform/internal/abuse"
	"github.com/yourorg/platform/internal/activation"
	"github.com/yourorg/platform/internal/admission"
	"github.com/yourorg/platform/internal/compression"
	"github.com/yourorg/platform/internal/cors"
	"github.com/yourorg/platform/internal/forwarded"
	"github.com/yourorg/platform/internal/management"
	"github.com/yourorg/platform/pkg/config"
)

// Config is the "http" section of the configuration.
type Config struct {
	// Addr is where the server listens, as host:port. An empty host means every address. "systemd", or "systemd:NAME" where
	// there are several, is a socket that systemd has opened.
	Addr string `mapstructure:"addr"`
	// ManagementAddr is where a second listener serves /metrics, /healthz, /ready and, for the operator, /_debug and
	// /debug/pprof, as host:port. The first one then has no /metrics. It speaks plain HTTP and belongs where the public
	// cannot reach it. It may be a socket of systemd too. Empty, there is none.
	ManagementAddr string `mapstructure:"management_addr"`
	// TLS is the certificate that the server shows. Without one it speaks plain HTTP, for a proxy in front of it.
	TLS TLS `mapstructure:"tls"`
	// H2C takes HTTP/2 without TLS too, for a proxy in front that speaks it ("prior knowledge"; Upgrade is not answered).
	H2C bool `mapstructure:"h2c"`
	// MaxConnections is how many connections of clients are open at a time, idle ones included. Those beyond it wait until
	// others end, also those of health checks: give these the management listener. 0 is no limit but that of the system.
	MaxConnections int `mapstructure:"max_connections"`
	// TrustedProxies are the networks of the proxies in front, such as 10.0.0.0/8: what their X-Forwarded-For says about the
	// client's address counts. Nobody else's does.
	TrustedProxies []string `mapstructure:"trusted_proxies"`
	// AbuseGuard refuses addresses that ask too fast.
	AbuseGuard abuse.Config `mapstructure:"abuse_guard"`
	// Concurrency bounds how many requests are worked on at once.
	Concurrency admission.Config `mapstructure:"concurrency"`
	// AccessLog says which requests are logged.
	AccessLog AccessLog `mapstructure:"access_log"`
	// CORS says which pages of other origins may talk to the platform.
	CORS cors.Config `mapstructure:"cors"`
	// Compression says which answers are compressed.
	Compression compression.Config `mapstructure:"compression"`
	// Static serves a folder of files, such as a front end.
	Static Static `mapstructure:"static"`
	// ReadTimeout limits reading a whole request.
	ReadTimeout time.Duration `mapstructure:"read_timeout"`
	// HeaderTimeout limits reading the headers of a request.
	HeaderTimeout time.Duration `mapstructure:"header_timeout"`
	// WriteTimeout limits answering a request, from the end of its headers. A file of a front end has it for each 256 KiB.
	WriteTimeout time.Duration `mapstructure:"write_timeout"`
	// IdleTimeout closes a kept-alive connection on which nothing is asked for so long.
	IdleTimeout time.Duration `mapstructure:"idle_timeout"`
	// RequestTimeout is the deadline of an operation that has no x-timeout; past it the answer is 503. It is shorter than
	// WriteTimeout, and should be shorter than what a stop leaves to the requests in flight: three quarters of ShutdownTimeout,
	// less DrainInterval.
	RequestTimeout time.Duration `mapstructure:"request_timeout"`
	// MaxHeaderBytes limits the headers of a request.
	MaxHeaderBytes int `mapstructure:"max_header_bytes"`
	// MaxBodyBytes limits the body of a request; a larger one is 413. An operation whose x-max-body is more than the default
	// here has that limit instead.
	MaxBodyBytes int64 `mapstructure:"max_body_bytes"`
	// DrainInterval is how long a stopping server still accepts requests while /ready already answers 503, so that
	// load balancers notice.
	DrainInterval time.Duration `mapstructure:"drain_interval"`
	// ShutdownTimeout is how long a process may take to stop, from the signal on: DrainInterval, the requests in flight,
	// which have three quarters of it, jobs, the relay and connections. One that takes longer exits with 1, and names the
	// part that has not stopped.
	ShutdownTimeout time.Duration `mapstructure:"shutdown_timeout"`
}

// DefaultConfig listens on this machine only.
func DefaultConfig() Config {
	return Config{
		Addr:            "127.0.0.1:8080",
		TrustedProxies:  []string{},
		AbuseGuard:      abuse.DefaultConfig(),
		Concurrency:     admission.DefaultConfig(),
		AccessLog:       AccessLog{Sample: 1, Slow: time.Second},
		CORS:            cors.DefaultConfig(),
		Compression:     compression.DefaultConfig(),
		Static:          Static{Path: "/", Immutable: []string{}},
		ReadTimeout:     30 * time.Second,
		HeaderTimeout:   5 * time.Second,
		WriteTimeout:    30 * time.Second,
		IdleTimeout:     60 * time.Second,
		RequestTimeout:  15 * time.Second,
		MaxHeaderBytes:  1 << 20,
		MaxBodyBytes:    10 << 20,
		DrainInterval:   500 * time.Millisecond,
		ShutdownTimeout: 25 * time.Second, // what starts it waits for 30 in Kubernetes
	}
}

// Validate names every key that cannot work.
func (c Config) Validate() error {
	var errs []error
	errs = append(errs, address("addr", c.Addr))
	if c.ManagementAddr != "" {
		errs = append(errs, address("management_addr", c.ManagementAddr))
		if _, port, _ := net.SplitHostPort(c.Addr); c.ManagementAddr == c.Addr && port != "0" {
			errs = append(errs, config.Invalid("management_addr", "must not be that of http.addr"))
		}
	}
	for key, d := range map[string]time.Duration{
		"read_timeout": c.ReadTimeout, "header_timeout": c.HeaderTimeout, "write_timeout": c.WriteTimeout,
		"idle_timeout": c.IdleTimeout, "request_timeout": c.RequestTimeout, "shutdown_timeout": c.ShutdownTimeout,
	} {
		if d <= 0 {
			errs = append(errs, config.Invalid(key, "must be positive"))
		}
	}
	errs = append(errs, c.TLS.validate(), below("abuse_guard", c.AbuseGuard), below("concurrency", c.Concurrency), below("cors", c.CORS), below("compression", c.Compression), below("static", c.Static), below("access_log", c.AccessLog))
	if _, err := forwarded.New(c.TrustedProxies); err != nil {
		errs = append(errs, config.Invalid("trusted_proxies", "must be networks such as 10.0.0.0/8: %s", err))
	}
	if c.RequestTimeout >= c.WriteTimeout {
		errs = append(errs, config.Invalid("request_timeout", "must be shorter than write_timeout"))
	}
	if c.DrainInterval < 0 {
		errs = append(errs, config.Invalid("drain_interval", "must not be negative"))
	} else if c.ShutdownTimeout > 0 && c.DrainInterval >= c.drainTimeout() {
		errs = append(errs, config.Invalid("drain_interval", "must be shorter than three quarters of shutdown_timeout"))
	}
	if c.H2C && c.TLS.On() {
		errs = append(errs, config.Invalid("h2c", "must be false with tls.cert_file: HTTP/2 is spoken there anyway"))
	}
	if c.MaxConnections < 0 {
		errs = append(errs, config.Invalid("max_connections", "must not be negative"))
	}
	if c.MaxHeaderBytes < 4096 {
		errs = append(errs, config.Invalid("max_header_bytes", "must be at least 4096"))
	}
	if c.MaxBodyBytes < 1 {
		errs = append(errs, config.Invalid("max_body_bytes", "must be positive"))
	}
	return errors.Join(errs...)
}

// drainTimeout leaves time for what stops after the requests.
func (c Config) drainTimeout() time.Duration { return c.ShutdownTimeout * 3 / 4 }

// bodyLimit is in bytes. An operation that makes do with less than the default gets no more than everybody; one that
// takes more, as for uploads, is not held to a limit that was made for the others.
func (c Config) bodyLimit(op *mounted) int64 {
	switch {
	case op == nil || op.MaxBody == 0:
		return c.MaxBodyBytes
	case op.MaxBody > DefaultConfig().MaxBodyBytes:
		return op.MaxBody
	}
	return min(op.MaxBody, c.MaxBodyBytes)
}

// below names the keys of a part with those of the whole.
func below(part string, v config.Validator) error {
	err := v.Validate()
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		var errs []error
		for _, one := range several.Unwrap() {
			errs = append(errs, prefixed(part, one))
		}
		return errors.Join(errs...)
	}
	return prefixed(part, err)
}

func prefixed(part string, err error) error {
	if key, ok := errors.AsType[*config.KeyError](err); ok {
		return &config.KeyError{Key: part + "." + key.Key, Reason: key.Reason}
	}
	return err
}

func address(key, addr string) error {
	if _, ok := activation.Asked(addr); ok {
		return nil
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return config.Invalid(key, "must be host:port, as in 127.0.0.1:8080 or :8080")
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return config.Invalid(key, "must have a port between 0 and 65535")
	}
	return nil
}

func (c Config) management() management.Config {
	return management.Config{
		Addr: c.ManagementAddr, ReadTimeout: c.ReadTimeout, HeaderTimeout: c.HeaderTimeout, WriteTimeout: c.WriteTimeout,
		IdleTimeout: c.IdleTimeout,
	}
}
