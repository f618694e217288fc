package httpserver_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/page"
)

func TestParametersThatAreNoGood(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user := app.Register(t, "ada")
	const posts = "/api/v1/blog/posts"
	cursor := page.Encode(uuid.Must(uuid.NewV7()))
	for name, c := range map[string]struct {
		path   string
		status int
		code   string
		fields []string
	}{
		"a limit of zero":             {posts + "?limit=0", 422, "request.invalid", []string{"limit: too_small"}},
		"a negative limit":            {posts + "?limit=-1", 422, "request.invalid", []string{"limit: too_small"}},
		"a limit over the limit":      {posts + "?limit=201", 422, "request.invalid", []string{"limit: too_large"}},
		"an absurd limit":             {posts + "?limit=99999999999999999999", 422, "request.invalid", []string{"limit: type"}},
		"a limit in words":            {posts + "?limit=abc", 422, "request.invalid", []string{"limit: type"}},
		"a limit with a fraction":     {posts + "?limit=1.5", 422, "request.invalid", []string{"limit: type"}},
		"a limit in hexadecimal":      {posts + "?limit=0x10", 422, "request.invalid", []string{"limit: type"}},
		"an empty limit":              {posts + "?limit=", 422, "request.invalid", []string{"limit: type"}},
		"a limit given twice":         {posts + "?limit=1&limit=2", 422, "request.invalid", []string{"limit: repeated"}},
		"a filter given twice":        {posts + "?status=draft&status=draft", 422, "request.invalid", []string{"status: repeated"}},
		"a cursor of nothing":         {posts + "?cursor=", 422, "request.invalid", []string{"cursor: required"}},
		"a cursor without end":        {posts + "?cursor=" + strings.Repeat("A", 513), 422, "request.invalid", []string{"cursor: too_long"}},
		"a made-up cursor":            {posts + "?cursor=abc", 400, "request.cursor_invalid", nil},
		"a cursor of another length":  {posts + "?cursor=" + cursor + "AA", 400, "request.cursor_invalid", nil},
		"a cursor cut off":            {posts + "?cursor=" + cursor[1:], 400, "request.cursor_invalid", nil},
		"a cursor with padding":       {posts + "?cursor=" + cursor + "%3D", 400, "request.cursor_invalid", nil},
		"a cursor in other letters":   {posts + "?cursor=%C3%BC%C3%BC", 400, "request.cursor_invalid", nil},
		"a cursor with a line break":  {posts + "?cursor=" + cursor + "%0A", 400, "request.cursor_invalid", nil},
		"an id that is no UUID":       {posts + "/42", 422, "request.invalid", []string{"id: format"}},
		"an id in braces":             {posts + "/%7B" + uuid.NewString() + "%7D", 422, "request.invalid", []string{"id: format"}},
		"an id without dashes":        {posts + "/" + strings.ReplaceAll(uuid.NewString(), "-", ""), 422, "request.invalid", []string{"id: format"}},
		"an id as a URN":              {posts + "/urn:uuid:" + uuid.NewString(), 422, "request.invalid", []string{"id: format"}},
		"an id that climbs":           {posts + "/%2e%2e", 422, "request.invalid", []string{"id: format"}},
		"an id with NUL":              {posts + "/a%00b", 422, "request.invalid", []string{"id: nul"}},
		"an id that injects":          {posts + "/1'%20OR%201=1--", 422, "request.invalid", []string{"id: format"}},
		"an id in broken UTF-8":       {posts + "/%ff", 400, "request.encoding", nil},
		"a filter that is no UUID":    {posts + "?author=me", 422, "request.invalid", []string{"author: format"}},
		"a filter of no known value":  {posts + "?status=deleted", 422, "request.invalid", []string{"status: enum"}},
		"a filter in another case":    {posts + "?status=Draft", 422, "request.invalid", []string{"status: enum"}},
		"NUL in a filter":             {posts + "?status=draft%00", 422, "request.invalid", []string{"status: nul"}},
		"broken UTF-8 in a filter":    {posts + "?status=%ff", 400, "request.encoding", nil},
		"an unknown parameter":        {posts + "?sort=title", 422, "request.invalid", []string{"sort: unknown"}},
		"a parameter in another case": {posts + "?Limit=1", 422, "request.invalid", []string{"Limit: unknown"}},
		"broken UTF-8 in a name":      {posts + "?%ff=1", 400, "request.encoding", nil},
		"a name with controls":        {posts + "?a%0d%0ab=1", 422, "request.invalid", []string{"a??b: unknown"}},
		"bad percent-encoding":        {posts + "?limit=%zz", 400, "request.query_malformed", nil},
		"cut percent-encoding":        {posts + "?limit=1%", 400, "request.query_malformed", nil},
		"a semicolon":                 {posts + "?limit=1;status=draft", 400, "request.query_malformed", nil},
		"a time that is none":         {"/api/v1/audit/events?from=2026-02-30T00:00:00Z", 422, "request.invalid", []string{"from: format"}},
		"a date for a time":           {"/api/v1/audit/events?to=2026-02-03", 422, "request.invalid", []string{"to: format"}},
		"parameters where none are":   {"/api/v1/me?x=1", 422, "request.invalid", []string{"x: unknown"}},
		"all of it":                   {posts + "?limit=x&author=y&z=1", 422, "request.invalid", []string{"author: format", "limit: type", "z: unknown"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := app.Want(t, c.status, testapp.Call{Path: c.path, Token: user.Token})
			p := problemOf(t, answer)
			require.Equal(t, c.code, p.Code)
			if c.fields != nil {
				require.Equal(t, c.fields, p.fields())
			}
			requireDiscreet(t, answer)
		})
	}
}

func TestAHeaderThatIsAParameter(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user := app.Register(t, "ada")
	for name, c := range map[string]struct {
		values []string
		status int
		code   string
	}{
		"given twice": {[]string{`"1"`, `"1"`}, 422, "request.invalid"},
		"too long":    {[]string{strings.Repeat("1", 257)}, 422, "request.invalid"},
		"broken":      {[]string{"\xff"}, 400, "request.encoding"},
		"well formed": {[]string{`"1"`}, 404, "blog.post_not_found"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodPatch, "/api/v1/blog/posts/"+uuid.NewString(), strings.NewReader(`{"title":"x"}`))
			r.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + user.Token}, "If-Match": c.values}
			answer := app.Send(t, r)
			require.Equal(t, c.status, answer.Status, "%s", answer.Body)
			require.Equal(t, c.code, answer.Code(t))
		})
	}
}
