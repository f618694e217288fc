package contract

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func parsed(t *testing.T, change ...string) *Contract {
	t.Helper()
	source := string(things(named + ", x-permission: things.thing.make" + takes("Thing")))
	c, err := Parse([]byte(strings.NewReplacer(change...).Replace(source)))
	require.NoError(t, err)
	return c
}

var info = Info{Title: "All", Version: "v1", Description: "Everything."}

func TestABundleKeepsContractsApart(t *testing.T) {
	t.Parallel()
	others := parsed(t, "/things/", "/others/", "MakeThing", "MakeOther")
	tree, err := Bundle(info, Source{"things", parsed(t)}, Source{"others", others})
	require.NoError(t, err)
	doc, err := Load(tree)
	require.NoError(t, err)

	schemas := doc.Components.Schemas
	require.Contains(t, schemas, "ThingsThing")
	require.Contains(t, schemas, "OthersThing")
	require.Contains(t, schemas, "Problem", "shared ones are there once, under their own name")
	require.NotContains(t, schemas, "Thing")
	require.NotContains(t, schemas, "ThingsProblem")

	post := doc.Paths.Value("/api/v1/things/{id}").Post
	require.Equal(t, "#/components/schemas/ThingsThing", post.RequestBody.Value.Content["application/json"].Schema.Ref)
	require.Equal(t, "things.thing.make", post.Extensions["x-permission"], "extensions are kept")
	require.Equal(t, []string{"things"}, post.Tags)
	require.Equal(t, "#/components/responses/Problem", post.Responses.Default().Ref)
	require.Equal(t, "All about things.", doc.Tags.Get("things").Description)

	for _, answer := range []string{"200", "default"} {
		require.Contains(t, post.Responses.Value(answer).Value.Headers, "RateLimit", answer)
		require.Contains(t, post.Responses.Value(answer).Value.Headers, "RateLimit-Policy", answer)
	}
	require.Contains(t, post.Responses.Default().Value.Headers, "Retry-After")
	open, err := Bundle(info, Source{"things", parsed(t, "x-permission: things.thing.make", "security: [], x-rate-limit: none")})
	require.NoError(t, err)
	doc, err = Load(open)
	require.NoError(t, err)
	require.Empty(t, doc.Paths.Value("/api/v1/things/{id}").Post.Responses.Value("200").Value.Headers, "it may be called as often as one likes")

	// The order of the sources does not show.
	again, err := Bundle(info, Source{"others", others}, Source{"things", parsed(t)})
	require.NoError(t, err)
	require.Equal(t, tree, again)
}

func TestABundleRefusesDuplicates(t *testing.T) {
	t.Parallel()
	_, err := Bundle(info, Source{"a", parsed(t)}, Source{"b", parsed(t, "MakeThing", "MakeOther")})
	require.ErrorContains(t, err, "path /api/v1/things/{id} is declared by b")
	_, err = Bundle(info, Source{"a", parsed(t)}, Source{"b", parsed(t, "/things/", "/others/")})
	require.ErrorContains(t, err, "operation MakeThing is declared by a and b")
}

func TestAnAnswerIsHeldAgainstTheBundle(t *testing.T) {
	t.Parallel()
	tree, err := Bundle(info, Source{"things", parsed(t)})
	require.NoError(t, err)
	encoded, err := json.Marshal(tree)
	require.NoError(t, err)
	b, err := ReadBundle(encoded)
	require.NoError(t, err)

	const (
		path    = "/api/v1/things/0190b5c8-7a2e-7cc3-98c4-dc0c0c07398f"
		problem = `{"type":"urn:problem:a.b","title":"A","status":404,"code":"a.b","instance":"/","request_id":"1"}`
	)
	for name, tt := range map[string]struct {
		method, path string
		status       int
		media, body  string
		fault        string
	}{
		"what the contract says":        {"POST", path, 200, "application/json", `{"name":"a"}`, ""},
		"a field is missing":            {"POST", path, 200, "application/json", `{}`, "name"},
		"a field too many":              {"POST", path, 200, "application/json", `{"name":"a","x":1}`, "x"},
		"another type":                  {"POST", path, 200, "application/json", `{"name":1}`, "string"},
		"another medium":                {"POST", path, 200, "text/plain", `{"name":"a"}`, `with "text/plain"`},
		"no JSON":                       {"POST", path, 200, "application/json", `{`, "no JSON"},
		"another success":               {"POST", path, 201, "application/json", `{"name":"a"}`, "has no answer 201"},
		"a problem":                     {"POST", path, 404, "application/problem+json", problem, ""},
		"half a problem":                {"POST", path, 404, "application/problem+json", `{"code":"a.b"}`, "title"},
		"a problem of no operation":     {"GET", path, 405, "application/problem+json", problem, ""},
		"a problem of no path":          {"GET", "/nowhere", 404, "application/problem+json", problem, ""},
		"an error that is no problem":   {"GET", "/nowhere", 404, "text/plain", "404", `with "text/plain"`},
		"a page that is in no contract": {"GET", "/docs", 200, "text/html", "<html>", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := b.Check(tt.method, tt.path, tt.status, tt.media, []byte(tt.body))
			if tt.fault == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.fault)
		})
	}
}

func TestABrokenBundleIsRefused(t *testing.T) {
	t.Parallel()
	_, err := ReadBundle([]byte("{"))
	require.ErrorContains(t, err, "bundle: ")
}
