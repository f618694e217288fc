package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWhatIsRepeatedAfterKill9HasHappenedOnce(t *testing.T) {
	t.Parallel()
	repeat(t, 3)
}

// attempt is a request with a key, and what it was answered: nothing when the platform was killed first.
type attempt struct {
	key   string
	title string
	id    string
}

// repeat kills the platform under writes with keys, starts it again and sends each of the requests of the round once more
// with its key, whether it was answered or not. In the end there is one post for each key.
func repeat(t *testing.T, rounds int) {
	t.Helper()
	here := newPlace(t).with("PLATFORM_LOG_LEVEL", "warn", "PLATFORM_BOOTSTRAP_ADMIN_EMAIL", operator, "PLATFORM_BOOTSTRAP_ADMIN_PASSWORD", operatorPassword)
	run := here.serve(t)
	token := run.register(t)
	var sent []attempt
	cut, done := 0, 0 // without an answer, and of these what had been done all the same
	for round := range rounds {
		r := run.writeKeyed(t, token, round)
		enough := int64(20 + rand.IntN(60))
		require.Eventually(t, func() bool { return r.answered.Load() >= enough || run.over() }, time.Minute, time.Millisecond, "round %d", round)
		require.False(t, run.over(), "round %d: it ended by itself\n%s", round, &run.log)
		run.kill()
		r.writers.Wait()

		run = here.serve(t)
		for i, a := range r.attempts {
			again, replayed := run.again(t, token, a)
			if a.id == "" {
				if cut++; replayed {
					done++
				}
				r.attempts[i].id = again
				continue
			}
			require.Equal(t, a.id, again, "round %d: %s was answered", round, a.key)
			require.True(t, replayed, "round %d: %s was answered", round, a.key)
		}
		sent = append(sent, r.attempts...)
	}
	posts := map[string]string{}
	for _, p := range items[post](t, run, token, "/api/v1/blog/posts?limit=200") {
		require.NotContains(t, posts, p.Title, "twice")
		posts[p.Title] = p.ID
	}
	require.Len(t, posts, len(sent))
	for _, a := range sent {
		require.Equal(t, a.id, posts[a.title])
	}
	t.Logf("%d kills, %d keys: %d had no answer, of which %d had been done", rounds, len(sent), cut, done)
	require.Zero(t, run.stop(t), &run.log)
	here.intact(t)
}

// round is what several writers send until the platform is gone.
type round struct {
	writers  sync.WaitGroup
	answered atomic.Int64
	mu       sync.Mutex
	attempts []attempt
}

func (r *running) writeKeyed(t *testing.T, token string, n int) *round {
	t.Helper()
	all := &round{}
	for w := range 4 {
		all.writers.Go(func() {
			for i := 0; ; i++ {
				a := attempt{key: fmt.Sprintf("round-%d-writer-%d-%d", n, w, i), title: fmt.Sprintf("Round %d, writer %d, post %d", n, w, i)}
				status, id, _, err := r.keyed(t.Context(), token, a)
				if err == nil && status != http.StatusCreated {
					t.Errorf("round %d: %s is answered with %d", n, a.key, status)
					return
				}
				a.id = id
				all.mu.Lock()
				all.attempts = append(all.attempts, a)
				all.mu.Unlock()
				if err != nil {
					return // killed: nobody knows whether it has happened
				}
				all.answered.Add(1)
			}
		})
	}
	return all
}

// again repeats a request until it is no longer said to be running: Postgres may not have noticed yet that the process is
// gone.
func (r *running) again(t *testing.T, token string, a attempt) (id string, replayed bool) {
	t.Helper()
	status := 0
	require.Eventually(t, func() bool {
		var err error
		status, id, replayed, err = r.keyed(t.Context(), token, a)
		require.NoError(t, err)
		return status != http.StatusConflict
	}, 30*time.Second, 10*time.Millisecond, a.key)
	require.Equal(t, http.StatusCreated, status, a.key)
	return id, replayed
}

func (r *running) keyed(ctx context.Context, token string, a attempt) (status int, id string, replayed bool, err error) {
	body := fmt.Sprintf(`{"title": %q, "content": "text"}`, a.title)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.platformURL+"/api/v1/blog/posts", strings.NewReader(body))
	if err != nil {
		return 0, "", false, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Idempotency-Key", a.key)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", false, err
	}
	defer func() { _ = response.Body.Close() }()
	var made post
	err = json.NewDecoder(response.Body).Decode(&made)
	return response.StatusCode, made.ID, response.Header.Get("Idempotency-Replayed") == "true", err
}
