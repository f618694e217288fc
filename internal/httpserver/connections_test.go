package httpserver_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/yourorg/platform/internal/httpserver"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/pkg/module"
)

// dialed is a bare connection to the platform. Whoever reads from it waits for a minute at most.
func dialed(t *testing.T, app *testapp.App) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(app.URL, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	return conn
}

func write(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	_, err := conn.Write([]byte(text))
	require.NoError(t, err)
}

// spoken is a client of HTTP/2 without TLS that knows beforehand.
func spoken() *http.Client {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: &http.Transport{Protocols: protocols}, Timeout: time.Minute}
}

func TestHTTP2WithoutTLSIsSpokenWhereItIsAskedFor(t *testing.T) {
	t.Parallel()
	app := probed(t, nil, testapp.Options{Set: []string{"http.h2c=true"}})
	client := spoken()
	t.Cleanup(client.CloseIdleConnections)
	response, err := client.Get(app.URL + "/version")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, [2]int{2, 200}, [2]int{response.ProtoMajor, response.StatusCode})
	response, err = newClient(t).Get(app.URL + "/version")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, [2]int{1, 200}, [2]int{response.ProtoMajor, response.StatusCode})

	// An upgrade would carry a request past a proxy that looks into HTTP/1.
	conn := dialed(t, app)
	write(t, conn, "GET /version HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n")
	response, err = http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)
}

func TestHTTP2WithoutTLSIsNotSpokenOtherwise(t *testing.T) {
	t.Parallel()
	app := probed(t, nil)
	conn := dialed(t, app)
	write(t, conn, http2.ClientPreface)
	answer, err := io.ReadAll(conn)
	require.NoError(t, err, "it is closed")
	require.Contains(t, string(answer), "HTTP/1.1 404 ", "net/http takes it for a request, and closes")

	cfg := httpserver.DefaultConfig()
	cfg.H2C, cfg.TLS.CertFile, cfg.TLS.KeyFile, cfg.MaxConnections = true, "a", "b", -1
	require.ErrorContains(t, cfg.Validate(), "h2c")
	require.ErrorContains(t, cfg.Validate(), "max_connections")
}

// framed is a client that says what it wants in HTTP/2, past the handshake.
func framed(t *testing.T, app *testapp.App, window uint32) (*http2.Framer, net.Conn) {
	t.Helper()
	conn := dialed(t, app)
	write(t, conn, http2.ClientPreface)
	framer := http2.NewFramer(conn, conn)
	require.NoError(t, framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: window}))
	require.NoError(t, framer.WriteSettingsAck())
	return framer, conn
}

// request sends the headers of a GET.
func request(t *testing.T, framer *http2.Framer, stream uint32, path string) {
	t.Helper()
	var block strings.Builder
	encoder := hpack.NewEncoder(&block)
	for _, field := range [][2]string{{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", path}} {
		require.NoError(t, encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}))
	}
	require.NoError(t, framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: []byte(block.String()), EndHeaders: true, EndStream: true}))
}

func TestAConnectionOfHTTP2HasOnlySoManyStreams(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	app := probed(t, map[string]module.Handler{"OpenGet": func(*gin.Context, any) (any, error) { <-release; return nil, nil }},
		testapp.Options{Set: []string{"http.h2c=true", "http.request_timeout=10m", "http.write_timeout=20m"}})
	framer, _ := framed(t, app, 65535)
	const most = 100
	for i := range uint32(most + 1) {
		request(t, framer, 2*i+1, "/api/v1/probe/open")
	}
	for refused := false; !refused; {
		frame, err := framer.ReadFrame()
		require.NoError(t, err)
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if streams, ok := frame.Value(http2.SettingMaxConcurrentStreams); ok {
				require.EqualValues(t, most, streams)
			}
		case *http2.RSTStreamFrame:
			require.EqualValues(t, 2*most+1, frame.StreamID)
			refused = true
		case *http2.GoAwayFrame:
			require.EqualValues(t, 2*most+1, frame.LastStreamID)
			refused = true
		}
	}
	close(release)
}

func TestConnectionsBeyondTheLimitWait(t *testing.T) {
	t.Parallel()
	app := probed(t, nil, testapp.Options{Set: []string{"http.max_connections=2"}})
	const ask = "GET /version HTTP/1.1\r\nHost: a\r\n\r\n"
	answered := func(conn net.Conn) {
		t.Helper()
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusOK, response.StatusCode)
	}
	first, second, third := dialed(t, app), dialed(t, app), dialed(t, app)
	for _, conn := range []net.Conn{first, second} {
		write(t, conn, ask)
		answered(conn)
	}
	require.Equal(t, "2", metric(t, app, "platform_http_connections"))
	write(t, third, ask)
	require.NoError(t, third.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	_, err := third.Read(make([]byte, 1))
	require.ErrorContains(t, err, "timeout", "nobody has taken it yet")
	require.NoError(t, first.Close())
	require.NoError(t, third.SetReadDeadline(time.Now().Add(time.Minute)))
	answered(third)
}
