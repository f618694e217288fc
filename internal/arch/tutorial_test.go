package arch

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// A block of the tutorial names its file behind the language.
var block = regexp.MustCompile("(?ms)^```[a-z]+ (modules/[^\n]+)\n(.*?)^```$")

func tutorial(t *testing.T) map[string]string {
	t.Helper()
	page, err := os.ReadFile("../../docs/extension-points.md")
	require.NoError(t, err)
	files := map[string]string{}
	for _, found := range block.FindAllStringSubmatch(string(page), -1) {
		require.NotContains(t, files, found[1])
		files[found[1]] = found[2]
	}
	require.Contains(t, files, "modules/notes/module.go")
	require.Contains(t, files, "modules/notes/openapi.yaml")
	return files
}

// Who follows the tutorial keeps the rules.
func TestTheTutorialKeepsTheRules(t *testing.T) {
	t.Parallel()
	tree, all := fstest.MapFS{}, []file{}
	for name, text := range tutorial(t) {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
		if path.Ext(name) == ".go" {
			all = append(all, source{name, text}.parse(t))
		}
	}
	for _, f := range all {
		for _, r := range importRules {
			for _, i := range f.imports {
				require.True(t, r.ok(f.path, i), "%s imports %s: %s", f.path, i, r.name)
			}
		}
		for _, r := range shapeRules {
			require.Empty(t, r.fault(f), "%s: %s", f.path, r.name)
		}
	}
	require.Empty(t, undocumented(all))
	require.Empty(t, looseSchemas(all))
	owners := owners(t, tree)
	require.Equal(t, []string{"modules/notes"}, owners)
	require.Empty(t, untested(owners, all))
}

// Writes the module of the tutorial into a copy of the repository, so that it can be built and tested there:
//
//	PLATFORM_TUTORIAL=/path/to/copy go test -count=1 -run TestWriteTheTutorial ./internal/arch
func TestWriteTheTutorial(t *testing.T) {
	t.Parallel()
	target := os.Getenv("PLATFORM_TUTORIAL")
	if target == "" {
		t.Skip("PLATFORM_TUTORIAL names no copy of the repository")
	}
	for name, text := range tutorial(t) {
		file := filepath.Join(target, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(strings.TrimLeft(text, "\n")), 0o600))
	}
}
