package httpserver_test

import (
	"bufio"
	"bytes"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
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

// small is a module with one operation that answers a little JSON, behind a permission.
type small struct{}

func (small) Name() string      { return "headline" }
func (small) Migrations() fs.FS { return nil }

func (small) Manifest() []byte {
	return []byte(`
name: headline
version: 1.0.0
description: A little JSON, securely.
prefixes: [/api/v1/headline]
permissions:
  - {name: headline.greeting.read, description: Get a greeting., roles: [owner]}
`)
}

func (small) Init() fx.Option {
	contract := []byte(`
openapi: 3.0.3
info: {title: Headline, version: 1.0.0}
paths:
  /api/v1/headline:
    get:
      operationId: getHeadline
      x-permission: headline.greeting.read
      responses: {"200": {description: A greeting, content: {application/json: {schema: {type: object}}}}}
`)
	return fx.Options(
		fx.Provide(func() small { return small{} }),
		module.Routes(contract, func(small) module.Mount {
			return func(r gin.IRouter, _ module.Around, _ func(*gin.Context, error)) { r.GET(headlinePath, greet) }
		}),
	)
}

const headlinePath = "/api/v1/headline"

var greeting = []byte(`{"message":"hello"}`)

func greet(c *gin.Context) { answerGreeting(c.Writer) }

func answerGreeting(w http.ResponseWriter) {
	w.Header()["Content-Type"] = jsonType
	_, _ = w.Write(greeting) // nobody is left to hear of an error
}

var jsonType = []string{"application/json"}

// logTo is a logger as in production, to a file.
func logTo(b *testing.B) *zap.Logger {
	file, err := os.Create(filepath.Join(b.TempDir(), "platform.log"))
	require.NoError(b, err)
	b.Cleanup(func() { _ = file.Close() })
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), file, zap.InfoLevel))
}

// headline is the platform with everything on that a request passes, and a token for it.
func headline(b *testing.B) (*testapp.App, string) {
	app := testapp.New(b, append(modules.All(), small{}), testapp.Options{Log: logTo(b), Set: everything})
	return app, app.Register(b, "headline").Token
}

// BenchmarkHeadline asks over kept-alive connections, sixteen for each processor, with a client that does as little as it can and
// shares the processors with the server. CPU is that of both, which is the same client in each row.
func BenchmarkHeadline(b *testing.B) {
	app, token := headline(b)
	bare := gin.New()
	bare.GET(headlinePath, greet)
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+headlinePath, func(w http.ResponseWriter, _ *http.Request) { answerGreeting(w) })
	for _, bench := range []struct{ name, addr string }{
		{"net_http", listening(b, mux)}, {"bare_gin", listening(b, bare)}, {"platform", strings.TrimPrefix(app.URL, "http://")},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism(16)
			before := cpuTime(b)
			b.RunParallel(func(pb *testing.PB) {
				c := dial(b, bench.addr, token)
				defer c.close()
				for pb.Next() {
					c.ask(b)
				}
			})
			b.ReportMetric((cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

func listening(b *testing.B, h http.Handler) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	s := &http.Server{Handler: h}
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	b.Cleanup(func() {
		require.NoError(b, s.Close())
		require.ErrorIs(b, <-done, http.ErrServerClosed)
	})
	return ln.Addr().String()
}

// cpuTime is what the process has used, in nanoseconds.
func cpuTime(b *testing.B) float64 {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return float64(u.Utime.Nano() + u.Stime.Nano())
}

// client sends the same request again and again on one connection.
type client struct {
	conn    net.Conn
	in      *bufio.Reader
	request []byte
}

func dial(b *testing.B, addr, token string) *client {
	conn, err := net.Dial("tcp", addr)
	require.NoError(b, err)
	request := "GET " + headlinePath + " HTTP/1.1\r\nHost: " + addr + "\r\nAuthorization: Bearer " + token + "\r\n\r\n"
	return &client{conn: conn, in: bufio.NewReader(conn), request: []byte(request)}
}

func (c *client) close() { _ = c.conn.Close() }

var errAnswer = errors.New("not the answer that was expected")

func (c *client) ask(b *testing.B) {
	if _, err := c.conn.Write(c.request); err != nil {
		b.Error(err)
		return
	}
	if err := c.answer(); err != nil {
		b.Error(err)
	}
}

func (c *client) answer() error {
	line, err := c.in.ReadSlice('\n')
	if err != nil || !bytes.HasPrefix(line, []byte("HTTP/1.1 200 ")) {
		return errors.Join(errAnswer, err)
	}
	length := 0
	for len(line) > 2 {
		if line, err = c.in.ReadSlice('\n'); err != nil {
			return err
		}
		if value, found := bytes.CutPrefix(line, []byte("Content-Length: ")); found {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
	}
	if length != len(greeting) {
		return errAnswer
	}
	_, err = c.in.Discard(length)
	return err
}
