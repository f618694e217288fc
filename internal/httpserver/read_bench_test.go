package httpserver_test

import (
	"database/sql"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

// post is what a handler without a platform answers with.
type post struct {
	ID        uuid.UUID `json:"id"`
	Title     string    `json:"title"`
	Slug      string    `json:"slug"`
	Content   string    `json:"content"`
	Status    string    `json:"status"`
	Author    uuid.UUID `json:"author_id"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// BenchmarkReadPost reads one post over loopback, beside the same query by hand with database/sql behind bare net/http.
func BenchmarkReadPost(b *testing.B) {
	app := testapp.New(b, modules.All(), testapp.Options{Set: everything})
	u := app.Register(b, "bench")
	var created post
	app.Want(b, http.StatusCreated, testapp.Call{
		Method: http.MethodPost, Path: "/api/v1/blog/posts", Token: u.Token,
		Body: map[string]any{"title": "A title", "content": strings.Repeat("Some words. ", 50)},
	}).JSON(b, &created)
	path := "/api/v1/blog/posts/" + created.ID.String()
	for _, bench := range []struct {
		name    string
		handler http.Handler
	}{{"by_hand", byHand(b, app, u.TenantID)}, {"platform", app}} {
		b.Run(bench.name, func(b *testing.B) {
			server := httptest.NewServer(bench.handler)
			defer server.Close()
			r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, server.URL+path, http.NoBody)
			require.NoError(b, err)
			r.Header.Set("Authorization", "Bearer "+u.Token)
			b.ReportAllocs()
			for b.Loop() {
				response, err := server.Client().Do(r)
				require.NoError(b, err)
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
				require.Equal(b, http.StatusOK, response.StatusCode)
			}
		})
	}
}

func byHand(b *testing.B, app *testapp.App, tenant uuid.UUID) http.Handler {
	b.Helper()
	driver, source := "pgx", app.DatabaseURL()
	if file, ok := strings.CutPrefix(source, "sqlite://"); ok {
		driver, source = "sqlite", "file:"+file+"?mode=ro"
	}
	db, err := sql.Open(driver, source)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close()) })
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/blog/posts/{id}", func(w http.ResponseWriter, r *http.Request) {
		var p post
		err := db.QueryRowContext(r.Context(), `SELECT id, title, slug, content, status, author_id, created_at, updated_at
FROM blog_posts WHERE tenant_id = $1 AND id = $2`, tenant.String(), r.PathValue("id")).
			Scan(&p.ID, &p.Title, &p.Slug, &p.Content, &p.Status, &p.Author, &p.CreatedAt, &p.UpdatedAt)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(p)
	})
	return mux
}
