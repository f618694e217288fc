package httpserver_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/web"
)

func TestMiddlewareThatDoesNotFitFailsTheStart(t *testing.T) {
	t.Parallel()
	nothing := func(next http.Handler) http.Handler { return next }
	at := func(p web.Position, name string) web.Placed {
		return web.Placed{Middleware: between[int]{name, nothing}, Position: p}
	}
	asks := func(names string) string {
		return contractOf("get /api/v1/things | listThings | security: [] | x-middleware: " + names)
	}
	for name, tt := range map[string]struct {
		placed   []web.Placed
		contract string
		want     string
	}{
		"a name without a module":              {[]web.Placed{at(web.AfterLog, "quota")}, asks("[things.a]"), `middleware "quota": its name must be <module>.<what>`},
		"a name of a module that is not there": {[]web.Placed{at(web.AfterLog, "wiki.quota")}, asks("[things.a]"), `middleware "wiki.quota": its name must be <module>.<what>`},
		"two of one name":                      {[]web.Placed{at(web.AfterLog, "things.a"), at(web.PerOperation, "things.a")}, asks("[things.a]"), "two middlewares are called things.a"},
		"no position":                          {[]web.Placed{at(0, "things.a")}, asks("[things.b]"), "middleware things.a: there is no position 0"},
		"a position behind the last":           {[]web.Placed{at(web.PerAnyOperation+1, "things.a")}, asks("[things.b]"), "there is no position 7"},
		"an unknown name":                      {nil, asks("[things.a]"), `GET /api/v1/things (listThings): x-middleware: no module contributes "things.a"`},
		"one that everybody passes":            {[]web.Placed{at(web.AfterLog, "things.a")}, asks("[things.a]"), "GET /api/v1/things (listThings): x-middleware: things.a has a position of its own"},
		"one of another module":                {[]web.Placed{at(web.PerOperation, "parts.a")}, asks("[parts.a]"), "GET /api/v1/things (listThings): x-middleware: parts.a is for the operations of parts"},
		"a name that is given twice":           {[]web.Placed{at(web.PerOperation, "things.a")}, asks("[things.a, things.a]"), "GET /api/v1/things: x-middleware names things.a twice"},
		"a middleware that wraps into nothing": {
			[]web.Placed{{Middleware: between[int]{"things.a", func(http.Handler) http.Handler { return nil }}, Position: web.PerOperation}},
			asks("[things.a]"), "middleware things.a wraps GET /api/v1/things into nil",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := startedWith(t, tt.placed, api(tt.contract, "GET /api/v1/things"))
			require.ErrorContains(t, err, tt.want)
		})
	}
	_, err := startedWith(t, []web.Placed{at(web.PerAnyOperation, "parts.a"), at(web.PerOperation, "things.a")}, api(asks("[parts.a, things.a]"), "GET /api/v1/things"))
	require.NoError(t, err)
}
