package httpserver_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/web"
)

func TestAStreamIsToldThatTheServerGoesAway(t *testing.T) {
	t.Parallel()
	files := newPair(t)
	roots := files.write(t, 1)
	for protocol, set := range map[string][]string{
		"HTTP/1.1": nil,
		"HTTP/2.0": {"http.tls.cert_file=" + files.cert, "http.tls.key_file=" + files.key},
	} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			closed := make(chan error, 1) // what connecting comes to when the stream is told
			stream := func(c *gin.Context, _ any) (any, error) {
				_, _ = c.Writer.WriteString("begun\n")
				c.Writer.Flush()
				select {
				case <-web.GoingAway(c):
				case <-c.Request.Context().Done():
					return nil, context.Cause(c.Request.Context())
				}
				conn, err := new(net.Dialer).DialContext(c, "tcp", c.Request.Host)
				if err == nil {
					_ = conn.Close()
				}
				closed <- err
				_, _ = c.Writer.WriteString("going away\n")
				return nil, nil
			}
			app := probed(t, map[string]module.Handler{"OpenGet": stream}, testapp.Options{Set: append([]string{"http.drain_interval=100ms"}, set...)})
			transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
			defer transport.CloseIdleConnections()
			response, err := (&http.Client{Transport: transport}).Get(app.URL + "/api/v1/probe/open")
			require.NoError(t, err)
			defer func() { _ = response.Body.Close() }()
			require.Equal(t, protocol, response.Proto)
			lines := bufio.NewReader(response.Body)
			first, err := lines.ReadString('\n')
			require.NoError(t, err)
			require.Equal(t, "begun\n", first)

			stopped := make(chan error, 1)
			go func() { stopped <- app.Server.Stop(t.Context()) }()
			rest, err := io.ReadAll(lines)
			require.NoError(t, err)
			require.Equal(t, "going away\n", string(rest))
			require.NoError(t, <-stopped)
			require.ErrorContains(t, <-closed, "refused", "who asks again reaches another replica")
			_, err = (&http.Client{Transport: transport}).Post(app.URL+"/api/v1/probe/open", "application/json", strings.NewReader("{}"))
			require.Error(t, err, "the connection is not used again")
		})
	}
}

func TestOutsideOfARequestNothingGoesAway(t *testing.T) {
	t.Parallel()
	require.Nil(t, web.GoingAway(t.Context()))
}
