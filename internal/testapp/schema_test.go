package testapp_test

import (
	"testing"

	"entgo.io/ent/dialect"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/changes/ent"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

func TestADifferenceBetweenMigrationsAndEntIsSeen(t *testing.T) {
	t.Parallel()
	of := func(d dialect.Driver) testapp.Schema { return ent.NewClient(ent.Driver(d)).Schema }
	for name, statements := range map[string][]string{
		"a column too many":     {"ALTER TABLE changes_log ADD COLUMN extra text"},
		"a column too few":      {"ALTER TABLE changes_log DROP COLUMN topic"},
		"an index too many":     {"CREATE INDEX extra ON changes_log (topic)"},
		"no table":              {"DROP TABLE changes_log"},
		"another type":          {"ALTER TABLE changes_log DROP COLUMN topic", "ALTER TABLE changes_log ADD COLUMN topic bytea NOT NULL DEFAULT ''"},
		"a column that is null": {"ALTER TABLE changes_log DROP COLUMN topic", "ALTER TABLE changes_log ADD COLUMN topic character varying NULL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := testapp.FreshDatabase(t, modules.All())
			_, d := testapp.Migrator(t, modules.All(), url)
			require.Empty(t, testapp.Difference(t, url, of))
			for _, s := range statements {
				require.NoError(t, d.Exec(t.Context(), s, []any{}, nil))
			}
			require.NotEmpty(t, testapp.Difference(t, url, of))
		})
	}
}
