package httpserver_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/pkg/module"
)

// narrow is the platform with one place, and no patience.
var narrow = []string{
	"http.concurrency.limit=1", "http.concurrency.queue=0", "http.h2c=true",
	"http.header_timeout=1s", "http.read_timeout=2s", "http.request_timeout=1s", "http.write_timeout=3s",
}

// drip sends a byte from time to time, until it cannot.
func drip(conn net.Conn, text string) {
	often := time.NewTicker(10 * time.Millisecond)
	defer often.Stop()
	for i := 0; ; i++ {
		if _, err := conn.Write([]byte{text[i%len(text)]}); err != nil {
			return
		}
		<-often.C
	}
}

// cutOff requires that the server ends the connection, and returns what it has said before.
func cutOff(t *testing.T, conn net.Conn) string {
	t.Helper()
	said, err := io.ReadAll(conn)
	require.False(t, errors.Is(err, os.ErrDeadlineExceeded), "the connection is still there")
	return string(said)
}

func free(t *testing.T, app *testapp.App) {
	t.Helper()
	require.Eventually(t, func() bool { return app.Do(t, testapp.Call{Path: "/docs"}).Status == http.StatusOK }, time.Minute, time.Millisecond, "the place is free")
}

func closedAll(t *testing.T, app *testapp.App) {
	t.Helper()
	require.Eventually(t, func() bool {
		answer := app.Do(t, testapp.Call{Path: "/metrics"}) // 503 where the machine needs more than the second of narrow
		return strings.Contains("\n"+string(answer.Body), "\nplatform_http_connections 0\n")
	}, time.Minute, 5*time.Millisecond)
}

func TestHeadersThatDoNotComeHoldNobody(t *testing.T) {
	t.Parallel()
	app := probed(t, nil, testapp.Options{Set: narrow})
	for name, start := range map[string]string{
		"nothing":      "",
		"half a line":  "GET /ver",
		"half a block": "GET /version HTTP/1.1\r\nHost: a\r\nX-A: b\r\n",
	} {
		for _, dripping := range []bool{false, true} {
			conn := dialed(t, app)
			write(t, conn, start)
			if dripping {
				go drip(conn, "X-A: b\r\n")
			}
			require.NotContains(t, cutOff(t, conn), "200 OK", name)
		}
	}
	free(t, app)
	closedAll(t, app)
}

func TestABodyThatDripsHoldsNobody(t *testing.T) {
	t.Parallel()
	app := probed(t, nil, testapp.Options{Set: narrow})
	for _, framing := range []string{"Content-Length: 100000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\nfffff\r\n"} {
		conn := dialed(t, app)
		write(t, conn, "POST /api/v1/probe/open HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"+framing)
		go drip(conn, " ")
		said := cutOff(t, conn)
		require.Contains(t, said, "HTTP/1.1 503 ")
		require.Contains(t, said, "request.timeout")
		free(t, app)
	}
	closedAll(t, app)
}

// unending answers until nobody takes it any more.
func unending(left chan<- error) module.Handler {
	part := bytes.Repeat([]byte("x"), 1<<20)
	return func(c *gin.Context, _ any) (any, error) {
		c.Header("Content-Type", "image/png")
		for {
			if _, err := c.Writer.Write(part); err != nil {
				left <- err
				return nil, nil
			}
		}
	}
}

// An answer that is held back leaves after its place is free. Who reads a stream slowly holds a place, so it must end.
func TestAnAnswerThatNobodyReadsHoldsNobody(t *testing.T) {
	t.Parallel()
	for name, ask := range map[string]func(t *testing.T, app *testapp.App) net.Conn{
		"HTTP/1, of which nothing is read": func(t *testing.T, app *testapp.App) net.Conn {
			conn := dialed(t, app)
			write(t, conn, "GET /api/v1/probe/open HTTP/1.1\r\nHost: a\r\n\r\n")
			return conn
		},
		"HTTP/1, of which a little is read": func(t *testing.T, app *testapp.App) net.Conn {
			conn := dialed(t, app)
			write(t, conn, "GET /api/v1/probe/open HTTP/1.1\r\nHost: a\r\n\r\n")
			go func() {
				often := time.NewTicker(10 * time.Millisecond)
				defer often.Stop()
				for one := make([]byte, 1); ; <-often.C {
					if _, err := conn.Read(one); err != nil {
						return
					}
				}
			}()
			return conn
		},
		"HTTP/2, with a window that stays closed": func(t *testing.T, app *testapp.App) net.Conn {
			framer, conn := framed(t, app, 10)
			request(t, framer, 1, "/api/v1/probe/open")
			return conn
		},
		"HTTP/2, of which nothing is read": func(t *testing.T, app *testapp.App) net.Conn {
			framer, conn := framed(t, app, math.MaxInt32)
			require.NoError(t, framer.WriteWindowUpdate(0, math.MaxInt32-65535))
			request(t, framer, 1, "/api/v1/probe/open")
			return conn
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			left := make(chan error, 1)
			app := probed(t, map[string]module.Handler{"OpenGet": unending(left)}, testapp.Options{Set: append([]string{"http.idle_timeout=1s"}, narrow...)})
			conn := ask(t, app)
			select {
			case err := <-left:
				require.Error(t, err)
				require.NotErrorIs(t, err, http.ErrHandlerTimeout, "it was a stream long before the deadline")
			case <-time.After(time.Minute):
				require.Fail(t, "the answer does not end")
			}
			free(t, app)
			closedAll(t, app)
			require.NoError(t, conn.Close())
		})
	}
}

func TestHeadersAndCookiesHaveALimit(t *testing.T) {
	t.Parallel()
	app := probed(t, nil, testapp.Options{Set: []string{"http.max_header_bytes=4096", "http.h2c=true"}})
	bombs := map[string]string{
		"one long header":  "X-A: " + strings.Repeat("a", 64<<10) + "\r\n",
		"many headers":     strings.Repeat("X-A: b\r\n", 8<<10),
		"one long cookie":  "Cookie: a=" + strings.Repeat("a", 64<<10) + "\r\n",
		"many cookies":     "Cookie: " + strings.Repeat("a=b; ", 16<<10) + "\r\n",
		"a long name":      strings.Repeat("X", 64<<10) + ": a\r\n",
		"a line, unending": strings.Repeat("a", 64<<10),
	}
	for name, bomb := range bombs {
		conn := dialed(t, app)
		_, _ = conn.Write([]byte("GET /api/v1/me HTTP/1.1\r\nHost: a\r\n" + bomb + "\r\n")) // it may be cut off before it has sent all
		one := make([]byte, len("HTTP/1.1 431"))
		_, err := io.ReadFull(conn, one)
		require.NoError(t, err, name)
		require.Equal(t, "HTTP/1.1 431", string(one), name)
	}
	conn := dialed(t, app)
	_, _ = conn.Write([]byte("GET /" + strings.Repeat("a", 64<<10) + " HTTP/1.1\r\nHost: a\r\n\r\n"))
	one := make([]byte, len("HTTP/1.1 431"))
	_, err := io.ReadFull(conn, one)
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 431", string(one))

	client := spoken()
	t.Cleanup(client.CloseIdleConnections)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, app.URL+"/version", nil)
	require.NoError(t, err)
	for range 200 {
		r.Header.Add("X-A", strings.Repeat("a", 100))
	}
	response, err := client.Do(r)
	if err == nil { // or its client has read the limit before it asked
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, response.StatusCode)
	} else {
		require.ErrorContains(t, err, "header list")
	}

	// Within the limit, no number of cookies makes a credential or a long search of it.
	roomy := probed(t, nil)
	w := asked(roomy, "GET", "/api/v1/me", "Cookie", strings.Repeat("__Host-platform_access=a; ", 30_000))
	require.Equal(t, http.StatusUnauthorized, w.Code)
}

// A megabyte of it would be a gigabyte. Nobody unpacks it to find out.
func TestACompressedBombIsNotUnpacked(t *testing.T) {
	t.Parallel()
	app := probed(t, nil)
	var bomb bytes.Buffer
	w, err := gzip.NewWriterLevel(&bomb, gzip.BestCompression)
	require.NoError(t, err)
	for range 64 {
		_, err := w.Write(make([]byte, 1<<20))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	for _, coding := range []string{"gzip", "x-gzip", "zstd", "br", "gzip, gzip", "identity, gzip"} {
		answer := app.Want(t, http.StatusUnsupportedMediaType, testapp.Call{
			Method: "POST", Path: "/api/v1/probe/open", Body: bomb.String(), Header: map[string]string{"Content-Encoding": coding},
		})
		require.Equal(t, "request.media_type", answer.Code(t), coding)
	}
	answer := app.Want(t, http.StatusBadRequest, testapp.Call{Method: "POST", Path: "/api/v1/probe/open", Body: bomb.String()})
	require.Equal(t, "request.encoding", answer.Code(t), "without its name it is no text")
}
