package main

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/cli"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/authz"
)

func TestAPolicyIsExportedEditedAndImported(t *testing.T) {
	t.Parallel()
	keyFile := "security.key_file=" + filepath.Join(t.TempDir(), "encryption.key")
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{keyFile}})
	beside := func(line string) (string, int) {
		return run(t, line+" --environment test --set database.url="+app.DatabaseURL()+" --set "+keyFile)
	}
	owner := app.Register(t, "olga")
	app.Want(t, http.StatusCreated, testapp.Call{Method: "POST", Path: "/api/v1/roles", Token: owner.Token, Body: map[string]any{
		"name": "editor", "permissions": []string{"blog.*"}, "conditional": []map[string]string{{"permission": "audit.*", "when": "days=mon-sun"}},
	}})
	file := filepath.Join(t.TempDir(), "policy.csv")
	_, code := beside("authz export --all -f " + file)
	require.Equal(t, cli.OK, code)
	exported, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(exported), "p, editor, "+owner.TenantID.String()+", audit.*, days=mon-sun\n")
	out, code := beside("authz export --tenant " + owner.TenantID.String())
	require.Equal(t, cli.OK, code)
	require.Contains(t, out, "g, "+owner.ID.String()+", owner, "+owner.TenantID.String()+"\n")

	out, code = beside("authz import " + file + " --all")
	require.Equal(t, cli.OK, code)
	require.Equal(t, "changed 0 tenants: 0 rules added, 0 removed\n", out)

	colleague := uuid.New()
	edited := string(exported) + "g, " + colleague.String() + ", editor, " + owner.TenantID.String() + "\n"
	require.NoError(t, os.WriteFile(file, []byte(edited), 0o600))
	out, code = beside("authz import " + file + " --all --dry-run")
	require.Equal(t, cli.OK, code)
	require.Equal(t, "would change 1 tenants: 1 rules added, 0 removed\n", out)
	_, code = beside("authz import " + file + " --all")
	require.Equal(t, cli.OK, code)
	roles, err := app.Grants.Roles(t.Context(), owner.TenantID, colleague)
	require.NoError(t, err)
	require.Equal(t, []string{"editor"}, roles)
	require.Len(t, app.Rows(t, "SELECT id FROM audit_events WHERE permission = 'access.policy.import'"), 1)

	require.NoError(t, os.WriteFile(file, []byte(edited+"p, editor, "+owner.TenantID.String()+", shop.*\n"), 0o600))
	_, code = beside("authz import " + file + " --all")
	require.Equal(t, cli.Failed, code)
	held, err := app.Grants.Holders(t.Context(), owner.TenantID, authz.Owner)
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{owner.ID}, held)
}

func TestAPolicyCommandSaysForWhom(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]int{
		"authz":                            cli.Usage,
		"authz export":                     cli.Usage,
		"authz export --all=false":         cli.Usage,
		"authz export --tenant acme":       cli.Usage,
		"authz export --all --tenant acme": cli.Usage,
		"authz import --all":               cli.Usage,
		"authz import policy.csv":          cli.Usage,
		"authz import no-such-file --all --environment test --set database.url=sqlite://" + filepath.Join(t.TempDir(), "x.db") +
			" --set security.key_file=" + filepath.Join(t.TempDir(), "encryption.key"): cli.Failed,
	} {
		_, code := run(t, line)
		require.Equal(t, want, code, line)
	}
}
