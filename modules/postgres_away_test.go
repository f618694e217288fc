package modules_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

// away is what clients saw while Postgres came and went.
type away struct {
	*testapp.App
	user testapp.User
	post string

	mu       sync.Mutex
	accepted []string       // the posts that were acknowledged
	refused  map[string]int // codes of 503
	faults   []string       // answers that nobody should get
}

// The environment decides which server is used, so this test runs alone.
func TestPostgresAwayDuringWork(t *testing.T) {
	if !testapp.Postgres() {
		t.Skip("there is no server to stop")
	}
	server := testapp.NewPostgres(t)
	a := &away{App: testapp.New(t, modules.All()), refused: map[string]int{}}
	a.user = a.Register(t, "writer")
	status, answer := a.write(t)
	require.Equal(t, http.StatusCreated, status)
	a.post = answer

	stop := a.loaded(t)
	a.eventually(t, http.StatusOK, "/ready")
	server.Stop(t)
	for _, path := range []string{"/ready", "/api/v1/me", "/api/v1/blog/posts", "/api/v1/blog/posts/" + a.post} {
		a.eventually(t, http.StatusServiceUnavailable, path)
	}
	a.Want(t, http.StatusOK, testapp.Call{Path: "/healthz"}) // restarting the process would not help
	before := a.count()
	require.Eventually(t, func() bool { return a.count() > before+20 }, time.Minute, 10*time.Millisecond)

	server.Start(t)
	for _, path := range []string{"/ready", "/api/v1/me", "/api/v1/blog/posts", "/api/v1/blog/posts/" + a.post} {
		a.eventually(t, http.StatusOK, path)
	}
	require.Eventually(t, func() bool { status, _ := a.write(t); return status == http.StatusCreated }, time.Minute, 10*time.Millisecond)
	stop()

	for _, line := range a.Log.FilterField(zap.Int("status", 500)).All() {
		t.Log(line.ContextMap()["route"], line.ContextMap()["error"])
	}
	require.Empty(t, a.faults)
	require.NotEmpty(t, a.refused)
	t.Logf("%d posts were acknowledged, and refused were %v", len(a.accepted), a.refused)
	for _, id := range a.accepted {
		a.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/blog/posts/" + id, Token: a.user.Token})
	}
	a.Want(t, http.StatusOK, testapp.Call{Method: "POST", Path: "/api/v1/blog/posts/" + a.post + "/publish", Token: a.user.Token})
	require.Eventually(t, func() bool { // the relay has come back too
		return len(a.Rows(t, "SELECT id FROM outbox_deliveries")) == 0
	}, time.Minute, 50*time.Millisecond)
}

// eventually waits for a status.
func (a *away) eventually(t *testing.T, status int, path string) {
	t.Helper()
	require.Eventually(t, func() bool {
		return a.seen(a.Do(t, testapp.Call{Path: path, Token: a.user.Token}), path) == status
	}, time.Minute, 10*time.Millisecond, path)
}

// write makes a post and returns the status and its id.
func (a *away) write(t *testing.T) (status int, id string) {
	t.Helper()
	answer := a.Do(t, testapp.Call{Method: "POST", Path: "/api/v1/blog/posts", Token: a.user.Token, Body: map[string]any{"title": "A post"}})
	if status = a.seen(answer, "POST"); status == http.StatusCreated {
		var post struct{ ID string }
		answer.JSON(t, &post)
		a.mu.Lock()
		defer a.mu.Unlock()
		a.accepted = append(a.accepted, post.ID)
		return status, post.ID
	}
	return status, ""
}

// seen holds an answer against what is allowed: success, or a 503 that says when to come back.
func (a *away) seen(answer testapp.Answer, what string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch media := answer.Header.Get("Content-Type"); {
	case answer.Status < 300:
	case answer.Status == http.StatusServiceUnavailable && what == "/ready":
	case answer.Status == http.StatusServiceUnavailable && answer.Header.Get("Retry-After") != "" && media == "application/problem+json":
		var p struct{ Code string }
		if err := json.Unmarshal(answer.Body, &p); err != nil {
			a.faults = append(a.faults, err.Error())
		}
		a.refused[p.Code]++
	default:
		a.faults = append(a.faults, fmt.Sprintf("%s: %d %s", what, answer.Status, answer.Body))
	}
	return answer.Status
}

func (a *away) count() (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, times := range a.refused {
		n += times
	}
	return n
}

// loaded reads and writes without a pause until the test says stop.
func (a *away) loaded(t *testing.T) (stop func()) {
	t.Helper()
	over := make(chan struct{})
	var clients sync.WaitGroup
	for n := range 4 {
		clients.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				if n%2 == 0 {
					a.write(t)
					continue
				}
				a.seen(a.Do(t, testapp.Call{Path: "/api/v1/blog/posts/" + a.post, Token: a.user.Token}), "GET")
			}
		})
	}
	return func() { close(over); clients.Wait() }
}
