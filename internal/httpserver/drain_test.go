package httpserver_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/pkg/module"
)

// fetched is what a request over a socket came to.
type fetched struct {
	status int
	err    error
}

func fetch(client *http.Client, url string) fetched {
	response, err := client.Get(url)
	if err != nil {
		return fetched{err: err}
	}
	defer func() { _ = response.Body.Close() }()
	_, err = io.Copy(io.Discard, response.Body)
	return fetched{response.StatusCode, err}
}

func newClient(t *testing.T) *http.Client {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// held is a handler that says when it was entered and waits to be released.
type held struct{ entered, release chan struct{} }

func newHeld() held { return held{make(chan struct{}), make(chan struct{})} }

func (h held) handle(*gin.Context, any) (any, error) {
	close(h.entered)
	<-h.release
	return nil, nil
}

func TestAStoppingServerFinishesWhatItHasBegun(t *testing.T) {
	t.Parallel()
	h := newHeld()
	app := probed(t, map[string]module.Handler{"OpenGet": h.handle}, testapp.Options{Set: []string{"http.drain_interval=4s", "http.shutdown_timeout=1m"}})
	client := newClient(t)
	app.Want(t, http.StatusOK, testapp.Call{Path: "/ready"})

	inFlight := make(chan fetched, 1)
	go func() { inFlight <- fetch(client, app.URL+"/api/v1/probe/open") }()
	<-h.entered
	stopped := make(chan error, 1)
	go func() { stopped <- app.Server.Stop(t.Context()) }()

	require.Eventually(t, func() bool {
		return app.Do(t, testapp.Call{Path: "/ready"}).Status == http.StatusServiceUnavailable
	}, time.Minute, time.Millisecond)
	require.Equal(t, fetched{status: http.StatusServiceUnavailable}, fetch(client, app.URL+"/ready"), "load balancers are told, and still served")
	require.Equal(t, fetched{status: http.StatusOK}, fetch(client, app.URL+"/healthz"), "the process is well")

	require.Eventually(t, func() bool { return fetch(client, app.URL+"/healthz").err != nil }, time.Minute, 10*time.Millisecond, "the listener closes")
	select {
	case err := <-stopped:
		t.Fatalf("it stopped with a request in flight: %v", err)
	default:
	}
	close(h.release)
	require.Equal(t, fetched{status: http.StatusNoContent}, <-inFlight)
	require.NoError(t, <-stopped)
}

func TestAStoppingServerDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	h := newHeld()
	app := probed(t, map[string]module.Handler{"OpenGet": h.handle}, testapp.Options{Set: []string{"http.shutdown_timeout=50ms"}})
	inFlight := make(chan fetched, 1)
	client := newClient(t)
	go func() { inFlight <- fetch(client, app.URL+"/api/v1/probe/open") }()
	<-h.entered
	require.ErrorContains(t, app.Server.Stop(t.Context()), "requests were cut off")
	require.Error(t, (<-inFlight).err)
	close(h.release)
}
