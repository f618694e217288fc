package modules_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

// A file that may not grow is to SQLite what a full disk is. Postgres tells of one by a code, which its errors are tested for.
func TestADatabaseWithoutSpaceKeepsWhatItHasAndGoesOnWhenThereIsSome(t *testing.T) {
	t.Parallel()
	if testapp.Postgres() {
		t.Skip("it has no limit of its size")
	}
	var db dialect.Driver
	app := testapp.New(t, modules.All(), testapp.Options{Extra: []fx.Option{fx.Populate(&db)}})
	limit := func(pages int) {
		require.NoError(t, db.Exec(context.Background(), fmt.Sprintf("PRAGMA max_page_count = %d", pages), []any{}, nil))
	}
	ann := app.Register(t, "ann")
	content := strings.Repeat("x", 20_000)
	write := func(n int) testapp.Answer {
		return app.Do(t, testapp.Call{
			Method: "POST", Path: "/api/v1/blog/posts", Token: ann.Token, Body: map[string]any{"title": fmt.Sprint(n), "content": content},
		})
	}
	posts := func() (n int) {
		for range app.Rows(t, "SELECT id FROM blog_posts") {
			n++
		}
		return n
	}
	limit(1) // which SQLite takes for as many as there are
	kept, refused := 0, testapp.Answer{}
	for refused.Status == 0 {
		require.Less(t, kept, 1000, "the file cannot grow")
		if answer := write(kept); answer.Status == http.StatusCreated { // there may be pages that are free
			kept++
		} else {
			refused = answer
		}
	}
	require.Equal(t, http.StatusServiceUnavailable, refused.Status)
	require.Equal(t, "database.full", refused.Code(t))
	require.Equal(t, kept, posts(), "what was refused has left nothing")

	app.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/blog/posts", Token: ann.Token})
	require.NoError(t, db.Exec(context.Background(), "UPDATE blog_posts SET title = '0' WHERE title = '0'", []any{}, nil), "what needs no space goes on")
	var ready struct{ Status string }
	app.Want(t, http.StatusOK, testapp.Call{Path: "/ready"}).JSON(t, &ready)
	require.Equal(t, "degraded", ready.Status, "reading goes on too, so it stays in service")

	limit(1 << 30)
	require.Equal(t, http.StatusCreated, write(kept).Status)
	require.Equal(t, kept+1, posts())
	app.Settled(t) // the events of what was written have been handled
}
