package audit

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/web"
)

// endless is a trail that is longer than anybody reads.
type endless struct{ ended chan error }

func (e endless) Export(_ context.Context, _ audit.Format, w io.Writer) (err error) {
	defer func() { e.ended <- err }()
	part := make([]byte, 64<<10)
	for err == nil {
		_, err = w.Write(part)
	}
	return err
}

// The server waits for the export, which ends by itself: a stop that had to cut it off would be an error.
func TestAnExportEndsCutOffWhenTheServerGoesAway(t *testing.T) {
	t.Parallel()
	trail, away := endless{make(chan error, 1)}, make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = export{ctx: r.Context(), exporter: trail, format: audit.NDJSON}.VisitExportAuditEventsResponse(w)
	}))
	server.Config.BaseContext = func(net.Listener) context.Context { return web.WithGoingAway(context.Background(), away) }
	server.Start()
	defer server.Close()
	reading, give := context.WithTimeout(t.Context(), time.Minute) // or a failure would be a hang
	defer give()
	request, err := http.NewRequestWithContext(reading, http.MethodGet, server.URL, nil)
	require.NoError(t, err)
	response, err := server.Client().Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	_, err = io.ReadFull(response.Body, make([]byte, 1<<20))
	require.NoError(t, err)

	close(away)
	_, err = io.Copy(io.Discard, response.Body)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF, "nobody takes a part for the whole")
	require.ErrorIs(t, <-trail.ended, context.Canceled)
	stop, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, server.Config.Shutdown(stop))
}
