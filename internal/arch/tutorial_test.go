package arch

import (
	"go/format"
	"io/fs"
	"os"
	"os/exec"
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
			formatted, err := format.Source([]byte(text))
			require.NoError(t, err, name)
			require.Equal(t, string(formatted), text, "%s is not formatted", name)
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

// What the tutorial says works: it is done in a copy of the repository.
func TestTheTutorialWorks(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it builds the platform once more")
	}
	dir := t.TempDir()
	require.NoError(t, copyTree(dir, "../.."))
	for name, text := range tutorial(t) {
		file := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
	for _, args := range [][]string{
		{"run", "-trimpath", "./internal/codegen/run"},
		{"test", "-trimpath", "./modules/notes/..."}, // looks with go vet as well
	} {
		command := exec.CommandContext(t.Context(), "go", args...)
		command.Dir = dir
		command.Env = append(os.Environ(), "CGO_ENABLED=0") // as "make build", whose packages are in the cache
		output, err := command.CombinedOutput()
		require.NoError(t, err, "go %s:\n%s", strings.Join(args, " "), output)
	}
}

// copyTree copies the repository without its history and what was built or stored in it.
func copyTree(to, from string) error {
	return filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == from {
			return err
		}
		path, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		switch {
		case d.IsDir() && (strings.HasPrefix(path, ".") || path == "bin" || path == "data"):
			return filepath.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, path), 0o755)
		case !d.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, path), text, 0o600)
	})
}
