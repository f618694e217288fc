package httpserver_test

import (
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/module"
)

// empty is a module with one operation that does nothing, behind a permission.
type empty struct{}

func (empty) Name() string      { return "bench" }
func (empty) Migrations() fs.FS { return nil }

func (empty) Manifest() []byte {
	return []byte(`
name: bench
version: 1.0.0
description: Nothing, securely.
prefixes: [/api/v1/bench]
permissions:
  - {name: bench.empty.read, description: Get nothing., roles: [owner]}
`)
}

func (empty) Init() fx.Option {
	contract := []byte(`
openapi: 3.0.3
info: {title: Bench, version: 1.0.0}
paths:
  /api/v1/bench/empty:
    get:
      operationId: getEmpty
      x-permission: bench.empty.read
      responses: {"204": {description: Nothing}}
`)
	return fx.Options(
		fx.Provide(func() empty { return empty{} }),
		module.Routes(contract, func(empty) module.Mount {
			return func(r gin.IRouter, _ module.Around, _ func(*gin.Context, error)) {
				r.GET("/api/v1/bench/empty", nothing)
			}
		}),
	)
}

func nothing(c *gin.Context) { c.Writer.WriteHeader(http.StatusNoContent) }

// everything turns on what is off in tests. All limits count, and refuse nobody.
var everything = []string{
	"http.abuse_guard.enabled=true", "http.abuse_guard.rate=1000000", "http.abuse_guard.burst=1000000",
	"http.trusted_proxies=10.0.0.0/8", "http.cors.allowed_origins=https://app.example.com",
	"ratelimit.tenant.per_second=1000000", "ratelimit.tenant.burst=10000000",
	"terms.plans=standard=*; requests 1000000000000/day; requests 10000000000000/month",
}

// BenchmarkPath is what the secured path costs: recovery, request id, JSON log, metrics, security headers, abuse guard,
// concurrency limit, CORS, body limit, deadline, token, tenant, rate, quota, permission, validation — around a handler that does
// nothing, beside the same handler bare.
func BenchmarkPath(b *testing.B) {
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	log := zap.New(zapcore.NewCore(encoder, zapcore.AddSync(io.Discard), zap.InfoLevel))
	app := testapp.New(b, append(modules.All(), empty{}), testapp.Options{Log: log, Set: everything})
	user := app.Register(b, "bench")

	bare := gin.New()
	bare.GET("/api/v1/bench/empty", nothing)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/bench/empty", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })

	for _, bench := range []struct {
		name    string
		handler http.Handler
	}{{"net_http", mux}, {"bare_gin", bare}, {"secured", app}} {
		b.Run(bench.name, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, "/api/v1/bench/empty", http.NoBody)
			r.Header.Set("Authorization", "Bearer "+user.Token)
			w := &sink{header: http.Header{}}
			bench.handler.ServeHTTP(w, r)
			require.Equal(b, http.StatusNoContent, w.status)
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				bench.handler.ServeHTTP(w, r)
			}
		})
	}
}

// sink is a response writer that keeps nothing, so that the recorder's own work is not measured.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }
func (s *sink) WriteHeader(status int)      { s.status = status }
