package main

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/internal/testbroker"
)

const (
	operator         = "ops@example.com"
	operatorPassword = "correct horse battery staple"
)

func TestWhatWasAcknowledgedSurvivesKill9(t *testing.T) {
	t.Parallel()
	survive(t, kills())
}

// With Redis the jobs go through asynq, and with NATS the events through JetStream.
func TestWhatWasAcknowledgedSurvivesKill9WithRedisAndNATS(t *testing.T) {
	t.Parallel()
	survive(t, kills(), brokers(t)...)
}

// brokers are the variables of a platform that uses servers of this test.
func brokers(t *testing.T) []string {
	t.Helper()
	return []string{
		"PLATFORM_REDIS_URL", "redis://" + testbroker.Redis(t).Addr, "PLATFORM_NATS_URL", "nats://" + testbroker.NATS(t).Addr,
		"PLATFORM_EVENTS_CARRIER", "nats",
	}
}

// post is what was acknowledged.
type post struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

// acknowledged collects posts from several writers.
type acknowledged struct {
	mu        sync.Mutex
	posts     []post
	published []string // their ids
}

func (a *acknowledged) add(p post) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.posts = append(a.posts, p)
}

func (a *acknowledged) publish(p post) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.published = append(a.published, p.ID)
}

func (a *acknowledged) len() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.posts)
}

// kills is how often a test kills the platform; make soak does it 200 times.
func kills() int {
	if testapp.Postgres() {
		return 10
	}
	return 3
}

// survive kills the platform under write load, starts it again and looks for every post that was acknowledged in this
// round or an earlier one. In the end it requires of every post that was published that it is found, by one job.
func survive(t *testing.T, rounds int, env ...string) {
	t.Helper()
	here := newPlace(t).with("PLATFORM_LOG_LEVEL", "warn", "PLATFORM_BOOTSTRAP_ADMIN_EMAIL", operator, "PLATFORM_BOOTSTRAP_ADMIN_PASSWORD", operatorPassword).with(env...)
	run := here.serve(t)
	token := run.register(t)
	all := &acknowledged{}
	for round := range rounds {
		writers := run.write(t, token, round, all)
		enough := all.len() + 20 + rand.IntN(60)
		require.Eventually(t, func() bool { return all.len() >= enough || run.over() }, time.Minute, time.Millisecond, "round %d", round)
		require.False(t, run.over(), "round %d: it ended by itself\n%s", round, &run.log)
		run.kill()
		writers.Wait()

		run = here.serve(t)
		require.NotContains(t, run.out.String(), "Password", "it is the same database")
		run.wantAll(t, token, round, all.posts)
	}
	run.wantIndexed(t, token, all.published)
	require.Zero(t, run.stop(t), &run.log)
	here.intact(t)
}

// write creates and publishes posts from several connections until the platform is gone.
func (r *running) write(t *testing.T, token string, round int, all *acknowledged) *sync.WaitGroup {
	t.Helper()
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for n := 0; ; n++ {
				var p post
				wish := map[string]string{"title": fmt.Sprintf("Round %d, writer %d, post %d", round, w, n), "content": strings.Repeat("text ", 100)}
				status, err := r.request(t.Context(), "POST", "/api/v1/blog/posts", token, wish, &p)
				if err != nil {
					return // killed: this one was not acknowledged
				}
				if status != http.StatusCreated || p.Title != wish["title"] {
					t.Errorf("round %d: %d %+v", round, status, p)
					return
				}
				all.add(p)
				if status, err = r.request(t.Context(), "POST", "/api/v1/blog/posts/"+p.ID+"/publish", token, nil, nil); err != nil {
					return
				}
				if status != http.StatusOK {
					t.Errorf("round %d: publishing answers %d", round, status)
					return
				}
				all.publish(p)
			}
		})
	}
	return &writers
}

// wantAll requires that every post is there, and that nothing is there by halves.
func (r *running) wantAll(t *testing.T, token string, round int, posts []post) {
	t.Helper()
	kept := map[string]string{}
	for _, p := range items[post](t, r, token, "/api/v1/blog/posts?limit=200") {
		kept[p.ID] = p.Title
	}
	for _, p := range posts {
		require.Equal(t, p.Title, kept[p.ID], "round %d: post %s was acknowledged", round, p.ID)
	}
	var trail struct{ Items []struct{ Target string } }
	newest := posts[len(posts)-1]
	r.want(t, http.StatusOK, "GET", "/api/v1/audit/events?target="+url.QueryEscape("/api/v1/blog/posts/"+newest.ID), token, nil, &trail)
	require.Len(t, trail.Items, 1, "round %d: its record committed with it", round)
}

// wantIndexed requires that every post that was acknowledged as published is found by its words, and that for each post
// that is published, acknowledged or not, there is one job, which is done.
func (r *running) wantIndexed(t *testing.T, token string, acknowledged []string) {
	t.Helper()
	var signedIn struct {
		Token string `json:"access_token"`
	}
	r.want(t, http.StatusOK, "POST", "/api/v1/auth/login", "", map[string]string{"email": operator, "password": operatorPassword}, &signedIn)
	published := items[post](t, r, token, "/api/v1/blog/posts?limit=200&status=published")
	require.GreaterOrEqual(t, len(published), len(acknowledged))
	const jobs = "/api/v1/ops/jobs?limit=200&kind=blog.index_post"
	begun, done := time.Now(), 0
	require.Eventually(t, func() bool {
		done = len(items[post](t, r, signedIn.Token, jobs+"&state=completed"))
		return done >= len(published)
	}, 5*time.Minute, time.Second, "%s", lazy(func() string {
		return fmt.Sprintf("%d posts are published, there are %d jobs, and %d are done", len(published), len(items[post](t, r, signedIn.Token, jobs)), done)
	}))
	t.Logf("%d posts, all found %s after the last start", len(published), time.Since(begun).Round(time.Second))
	require.Len(t, items[post](t, r, signedIn.Token, jobs), len(published), "one job for each")
	found := map[string]bool{}
	for _, p := range items[post](t, r, token, "/api/v1/blog/posts?limit=200&q=round+writer+post") {
		found[p.ID] = true
	}
	require.Len(t, found, len(published))
	for _, id := range acknowledged {
		require.True(t, found[id], "post %s was published", id)
	}
}

// lazy is a message that is made only when it is shown.
type lazy func() string

func (l lazy) String() string { return l() }

// items reads a list to its end.
func items[T any](t *testing.T, r *running, token, path string) (all []T) {
	t.Helper()
	var page struct {
		Items []T     `json:"items"`
		Next  *string `json:"next_cursor"`
	}
	for cursor := ""; ; cursor = "&cursor=" + *page.Next {
		page.Items, page.Next = nil, nil
		r.want(t, http.StatusOK, "GET", path+cursor, token, nil, &page)
		if all = append(all, page.Items...); page.Next == nil {
			return all
		}
	}
}

// intact asks SQLite to read every page of its file. Postgres checks its own with checksums.
func (p place) intact(t *testing.T) {
	t.Helper()
	file, sqlite := strings.CutPrefix(p.env["PLATFORM_DATABASE_URL"], "sqlite://")
	if !sqlite {
		return
	}
	db, err := sql.Open("sqlite", file)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	for pragma, want := range map[string]string{"integrity_check": "ok", "foreign_key_check": ""} {
		rows, err := db.QueryContext(context.Background(), "SELECT * FROM pragma_"+pragma)
		require.NoError(t, err)
		found := ""
		if rows.Next() {
			columns, err := rows.Columns()
			require.NoError(t, err)
			found = strings.Join(columns, " ")
			if len(columns) == 1 {
				require.NoError(t, rows.Scan(&found))
			}
		}
		require.NoError(t, rows.Close())
		require.Equal(t, want, found, pragma)
	}
}
