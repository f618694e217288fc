package arch

import (
	"io/fs"
	"os"
	"path"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMigrationsAreHeldAgainstTheSchema(t *testing.T) {
	t.Parallel()
	owners := owners(t, os.DirFS("../.."))
	require.Contains(t, owners, "modules/blog")
	require.Contains(t, owners, "internal/auth")
	require.Equal(t, []string{"internal/infra/river"}, untested(owners, repository(t)), "its own test holds River's against River")
}

func TestMigrationsThatNothingHoldsAgainstTheSchemaAreFound(t *testing.T) {
	t.Parallel()
	const same = "package blog_test\nimport (\n\"" + root + "internal/testapp\"\n\"" + root + "modules/blog/internal/ent\"\n)\nvar _ = ent.NewClient\nvar _ = testapp.SameSchema\n"
	owners := []string{"modules/blog"}
	require.Empty(t, untested(owners, []file{source{"modules/blog/schema_test.go", same}.parse(t)}))
	require.Equal(t, owners, untested(owners, nil))
	for name, other := range map[string]source{
		"what is no test":            {"modules/blog/schema.go", same},
		"the test of another module": {"modules/notes/schema_test.go", same},
		"another test":               {"modules/blog/http_test.go", "package blog_test\nimport \"" + root + "internal/testapp\"\nvar _ = testapp.New\n"},
		"the schema of another": {
			"modules/blog/schema_test.go",
			"package blog_test\nimport (\n\"" + root + "internal/testapp\"\n\"" + root + "internal/auth/ent\"\n)\nvar _ = ent.NewClient\nvar _ = testapp.SameSchema\n",
		},
	} {
		require.Equal(t, owners, untested(owners, []file{other.parse(t)}), name)
	}
}

// owners lists the folders with migrations.
func owners(t *testing.T, repository fs.FS) (owners []string) {
	t.Helper()
	for _, pattern := range []string{"internal/*/migrations", "internal/*/*/migrations", "modules/*/migrations"} {
		folders, err := fs.Glob(repository, pattern)
		require.NoError(t, err)
		for _, folder := range folders {
			owners = append(owners, path.Dir(folder))
		}
	}
	return owners
}

// untested lists the owners of migrations that no test of theirs compares with their ent schema.
func untested(owners []string, all []file) []string {
	return slices.DeleteFunc(slices.Clone(owners), func(owner string) bool {
		return slices.ContainsFunc(all, func(f file) bool {
			client := slices.Contains(f.imports, root+owner+"/ent") || slices.Contains(f.imports, root+owner+"/internal/ent")
			return path.Dir(f.path) == owner && test(f.path) && client && calls(f, root+"internal/testapp", "SameSchema") != ""
		})
	})
}
