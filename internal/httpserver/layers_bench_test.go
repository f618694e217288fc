package httpserver_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"
)

// BenchmarkLayers is what each layer of the secured path adds: the shortest of many rounds, in each of which the request
// passes one layer more than before. The rounds alternate, so that what else happens on the machine meets all of them. The
// first layer is what every answer has, the last one the handler.
func BenchmarkLayers(b *testing.B) {
	app, token := headline(b)
	r := httptest.NewRequest(http.MethodGet, headlinePath, http.NoBody)
	r.Header.Set("Authorization", "Bearer "+token)
	passes, upTo := app.Server.Layers("getHeadline", greet)
	require.NotEmpty(b, passes)

	bare := gin.New()
	bare.GET(headlinePath, greet)
	steps, serve := []string{"bare gin", "answer"}, []http.Handler{bare}
	for n := range len(passes) + 1 {
		serve = append(serve, upTo(n))
	}
	steps = append(steps, passes...)
	took := rounds(b, serve, r)
	before := time.Duration(0)
	for i, step := range steps {
		b.Run(fmt.Sprintf("%02d_%s", i, step), func(b *testing.B) {
			for b.Loop() {
			}
			b.ReportMetric(float64(took[i]-before), "ns/op")
		})
		before = took[i]
	}
}

// rounds returns the shortest time that each handler took for a request.
func rounds(b *testing.B, serve []http.Handler, r *http.Request) []time.Duration {
	const all, requests = 60, 500
	w := &sink{header: http.Header{}}
	best := make([]time.Duration, len(serve))
	for round := range all {
		for i, h := range serve {
			began := time.Now()
			for range requests {
				clear(w.header)
				h.ServeHTTP(w, r)
			}
			took := time.Since(began) / requests
			require.Equal(b, http.StatusOK, w.status)
			if round == 0 || took < best[i] {
				best[i] = took
			}
		}
	}
	return best
}
