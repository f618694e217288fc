package modules_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"entgo.io/ent/dialect"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/contract"
	"github.com/yourorg/platform/internal/housekeeping"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

// A module that keeps rows of tenants must contribute what erases them (module.TenantErasers): this test fills every
// table that it can through the contracts, and then looks into all tables that name a tenant.
func TestNothingIsLeftOfATenantThatIsErased(t *testing.T) {
	t.Parallel()
	var keeper *housekeeping.Keeper
	app := testapp.New(t, modules.All(), testapp.Options{
		Set: []string{"identity.tenant_deletion_grace=0s"}, Extra: []fx.Option{fx.Populate(&keeper)},
	})
	leaving, staying := app.Register(t, "leaving"), app.Register(t, "staying")
	for _, user := range []testapp.User{leaving, staying} {
		created := 0
		for _, op := range app.Server.Routes() {
			if (op.Method == http.MethodPost || op.Method == http.MethodPatch) && op.Access != contract.Public && !strings.Contains(op.Path, "{") && op.Path != "/api/v1/auth/logout" {
				if app.Do(t, testapp.Valid(t, op.Operation, user.Token)).Status == http.StatusCreated {
					created++
				}
			}
		}
		require.NotZero(t, created)
	}
	before, kept := rowsOf(t, app, leaving.TenantID), rowsOf(t, app, staying.TenantID)
	require.Contains(t, before, "blog_posts")
	require.Contains(t, before, "authz_rules")
	require.Contains(t, before, "identity_invitations")
	require.Contains(t, before, "settings_values")

	app.Want(t, http.StatusAccepted, testapp.Call{Method: "DELETE", Path: "/api/v1/tenants/" + leaving.TenantID.String(), Token: leaving.Token})
	keeper.Tidy(context.WithoutCancel(t.Context()))
	require.Empty(t, rowsOf(t, app, leaving.TenantID), "these tables keep rows of a tenant that is gone")
	require.Equal(t, kept, rowsOf(t, app, staying.TenantID), "nobody else is touched")
	require.Empty(t, app.Rows(t, "SELECT id FROM identity_tenants WHERE id = '"+leaving.TenantID.String()+"'"))
	require.Len(t, app.Rows(t, "SELECT id FROM audit_events WHERE permission = 'identity.tenant.erase' AND tenant_id = '"+leaving.TenantID.String()+"'"), 1)
	app.Want(t, http.StatusUnauthorized, testapp.Call{Path: "/api/v1/me", Token: leaving.Token})
	app.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/me", Token: staying.Token})
}

// rowsOf counts the rows of a tenant in every table that has some. The audit trail stays.
func rowsOf(t *testing.T, app *testapp.App, tenant uuid.UUID) map[string]int {
	t.Helper()
	tables := "SELECT table_name AS name FROM information_schema.columns WHERE column_name = 'tenant_id' AND table_schema = current_schema()"
	if app.Database.Dialect() == dialect.SQLite {
		tables = "SELECT m.name AS name FROM sqlite_master m JOIN pragma_table_info(m.name) c ON c.name = 'tenant_id' WHERE m.type = 'table'"
	}
	counts := map[string]int{}
	for _, table := range app.Rows(t, tables) {
		name := table["name"]
		if n := len(app.Rows(t, `SELECT 1 AS one FROM "`+name+`" WHERE tenant_id = '`+tenant.String()+"'")); n > 0 && !strings.HasPrefix(name, "audit_") {
			counts[name] = n
		}
	}
	return counts
}
