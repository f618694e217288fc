package httpserver_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

// BenchmarkPost writes a post without a key, with a new one each time, and with one and the same. It counts what each of them
// asks of the database, begin and commit too.
func BenchmarkPost(b *testing.B) {
	app := testapp.New(b, modules.All(), testapp.Options{Log: zap.NewNop()})
	user := app.Register(b, "bench")
	n := 0
	for _, bench := range []struct {
		name string
		key  func() string
	}{
		{"plain", func() string { return "" }},
		{"new_key", func() string { n++; return fmt.Sprint("key-", n) }},
		{"replayed", func() string { return "key-0" }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			before := statements(b, app)
			for b.Loop() {
				r := httptest.NewRequest(http.MethodPost, "/api/v1/blog/posts", strings.NewReader(`{"title": "A title", "content": "A text."}`))
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("Authorization", "Bearer "+user.Token)
				if key := bench.key(); key != "" {
					r.Header.Set("Idempotency-Key", key)
				}
				w := httptest.NewRecorder()
				app.ServeHTTP(w, r)
				require.Equal(b, http.StatusCreated, w.Code, w.Body)
			}
			b.ReportMetric((statements(b, app)-before)/float64(b.N), "statements/op")
		})
	}
}

// statements is how often the database was asked, as the metrics of the platform have it.
func statements(b *testing.B, app http.Handler) (sum float64) {
	b.Helper()
	w := httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		if !strings.HasPrefix(line, "platform_database_statement_duration_seconds_count{") || strings.Contains(line, `verb="wait"`) {
			continue
		}
		fields := strings.Fields(line)
		n, err := strconv.ParseFloat(fields[len(fields)-1], 64)
		require.NoError(b, err)
		sum += n
	}
	require.Positive(b, sum)
	return sum
}
