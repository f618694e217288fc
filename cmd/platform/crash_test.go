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
)

func TestWhatWasAcknowledgedSurvivesKill9(t *testing.T) {
	t.Parallel()
	survive(t, 3)
}

// post is what was acknowledged.
type post struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

// acknowledged collects posts from several writers.
type acknowledged struct {
	mu    sync.Mutex
	posts []post
}

func (a *acknowledged) add(p post) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.posts = append(a.posts, p)
}

func (a *acknowledged) len() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.posts)
}

// survive kills the platform under write load, starts it again and looks for every post that was acknowledged in this
// round or an earlier one.
func survive(t *testing.T, rounds int) {
	t.Helper()
	here := newPlace(t).with("PLATFORM_LOG_LEVEL", "warn")
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
	require.Zero(t, run.stop(t), &run.log)
	here.intact(t)
}

// write creates posts from several connections until the platform is gone.
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
			}
		})
	}
	return &writers
}

// wantAll requires that every post is there, and that nothing is there by halves.
func (r *running) wantAll(t *testing.T, token string, round int, posts []post) {
	t.Helper()
	kept := map[string]string{}
	var page struct {
		Items []post  `json:"items"`
		Next  *string `json:"next_cursor"`
	}
	for cursor := ""; ; cursor = "&cursor=" + *page.Next {
		page.Items, page.Next = nil, nil
		r.want(t, http.StatusOK, "GET", "/api/v1/blog/posts?limit=200"+cursor, token, nil, &page)
		for _, p := range page.Items {
			kept[p.ID] = p.Title
		}
		if page.Next == nil {
			break
		}
	}
	for _, p := range posts {
		require.Equal(t, p.Title, kept[p.ID], "round %d: post %s was acknowledged", round, p.ID)
	}
	var trail struct{ Items []struct{ Target string } }
	newest := posts[len(posts)-1]
	r.want(t, http.StatusOK, "GET", "/api/v1/audit/events?target="+url.QueryEscape("/api/v1/blog/posts/"+newest.ID), token, nil, &trail)
	require.Len(t, trail.Items, 1, "round %d: its record committed with it", round)
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
