package testapp

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

var (
	anyID   = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	anyTime = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
)

// Golden holds an answer against testdata/<name>.json: its status, its content type and its JSON, in which ids and
// times are numbered by their first appearance. "go test -update" writes the file.
func (a Answer) Golden(t testing.TB, name string) {
	t.Helper()
	var body any
	a.JSON(t, &body)
	var got bytes.Buffer
	encoder := json.NewEncoder(&got)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	require.NoError(t, encoder.Encode(map[string]any{
		"status": a.Status, "content_type": a.Header.Get("Content-Type"), "body": body,
	}))
	text := numbered(got.String(), anyID, "id")
	text = numbered(text, anyTime, "time")

	file := filepath.Join("testdata", name+".json")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err, "run go test -update once")
	require.Equal(t, string(want), text, "%s is different; when that is right, run go test -update", file)
}

func numbered(text string, what *regexp.Regexp, name string) string {
	seen := map[string]string{}
	return what.ReplaceAllStringFunc(text, func(found string) string {
		if seen[found] == "" {
			seen[found] = fmt.Sprintf("<%s %d>", name, len(seen)+1)
		}
		return seen[found]
	})
}
