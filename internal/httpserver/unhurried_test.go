package httpserver_test

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/web"
)

// left tells when a file is closed: its answer has ended.
type left struct {
	fstest.MapFS
	closed func()
}

func (l left) Open(name string) (fs.File, error) {
	f, err := l.MapFS.Open(name)
	if err != nil {
		return nil, err
	}
	return leftFile{f, f.(io.Seeker), l.closed}, nil
}

type leftFile struct {
	fs.File
	io.Seeker
	closed func()
}

func (f leftFile) Close() error { f.closed(); return f.File.Close() }

// download asks for a file that is larger than what the kernel keeps of it, with a write_timeout of two seconds.
func download(t *testing.T) (whole []byte, body io.Reader, ended <-chan struct{}) {
	t.Helper()
	whole = bytes.Repeat([]byte("0123456789abcdef"), 2<<20)
	closed := make(chan struct{})
	files := left{fstest.MapFS{"large.bin": {Data: whole}}, sync.OnceFunc(func() { close(closed) })}
	app := testapp.New(t, modules.All(), testapp.Options{
		Set:   []string{"http.request_timeout=1s", "http.write_timeout=2s"},
		Extra: []fx.Option{module.Static("/", web.Static(files))},
	})
	transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return conn, conn.(*net.TCPConn).SetReadBuffer(256 << 10)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // or a failure would be a hang
	t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, app.URL+"/large.bin", nil)
	require.NoError(t, err)
	response, err := (&http.Client{Transport: transport}).Do(request)
	require.NoError(t, err)
	t.Cleanup(func() { _ = response.Body.Close() })
	require.Equal(t, http.StatusOK, response.StatusCode)
	return whole, response.Body, closed
}

func TestALargeFileReachesWhoReadsItSlowly(t *testing.T) {
	t.Parallel()
	whole, body, _ := download(t)
	var got bytes.Buffer
	pace := time.NewTicker(100 * time.Millisecond) // 60 times, three times as long as the write_timeout
	defer pace.Stop()
	for got.Len() < len(whole) {
		<-pace.C
		_, err := io.CopyN(&got, body, min(int64(len(whole)/60), int64(len(whole)-got.Len())))
		require.NoError(t, err, "after %d bytes", got.Len())
	}
	require.True(t, bytes.Equal(whole, got.Bytes()))
}

func TestWhoReadsNothingOfALargeFileIsCutOff(t *testing.T) {
	t.Parallel()
	whole, body, ended := download(t)
	select {
	case <-ended:
	case <-time.After(time.Minute):
		require.Fail(t, "it is still being written")
	}
	got, err := io.ReadAll(body)
	require.Error(t, err)
	require.Less(t, len(got), len(whole))
}
