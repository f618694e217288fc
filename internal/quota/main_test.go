package quota_test

import (
	"testing"

	"entgo.io/ent/dialect"

	"github.com/yourorg/platform/internal/quota/ent"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

func TestMain(m *testing.M) { testapp.VerifyNoLeaks(m) }

func TestTheMigrationsMakeTheTablesThatEntExpects(t *testing.T) {
	t.Parallel()
	testapp.SameSchema(t, modules.All(), func(d dialect.Driver) testapp.Schema { return ent.NewClient(ent.Driver(d)).Schema })
}
