package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/cli"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

func TestTheTrailOfAPlatformIsVerified(t *testing.T) {
	t.Parallel()
	keyFile := filepath.Join(t.TempDir(), "encryption.key")
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{"security.key_file=" + keyFile}})
	user := app.Register(t, "ada")
	app.Want(t, 201, testapp.Call{Method: "POST", Path: "/api/v1/blog/posts", Token: user.Token, Body: map[string]any{"title": "x"}})
	flags := " --environment test --set database.url=" + app.DatabaseURL() + " --set security.key_file=" + keyFile
	file := filepath.Join(t.TempDir(), "trail.ndjson")

	_, code := run(t, "audit export --tenant "+user.TenantID.String()+" --out "+file+flags)
	require.Equal(t, cli.OK, code)
	text, code := run(t, "audit verify"+flags)
	require.Equal(t, cli.OK, code, text)
	require.Contains(t, text, "waiting to be sealed: 0")
	require.Contains(t, text, "faults: 0")
	key := strings.TrimSpace(text[strings.LastIndex(text, " "):])

	text, code = run(t, "audit verify --file "+file+" --key "+key)
	require.Equal(t, cli.OK, code, text)
	_, code = run(t, "audit verify --file "+file+" --key AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
	require.Equal(t, cli.Failed, code)
	_, code = run(t, "audit export --tenant "+user.TenantID.String()+" --out "+file+flags)
	require.Equal(t, cli.Failed, code, "an export replaces no file")
	table, code := run(t, "audit export --format csv --tenant "+user.TenantID.String()+flags)
	require.Equal(t, cli.OK, code)
	require.Contains(t, table, "blog.post.create")

	content, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, bytes.Replace(content, []byte("blog.post.create"), []byte("blog.post.delete"), 1), 0o600))
	text, code = run(t, "audit verify --file "+file)
	require.Equal(t, cli.Failed, code)
	require.Regexp(t, `(?m)^altered: event [0-9]+ [0-9a-f-]{36} of tenant `+user.TenantID.String()+` in line`, text)

	ids := app.Rows(t, "SELECT id FROM audit_events WHERE permission = 'blog.post.create'")
	disarm := "DROP TRIGGER audit_events_no_update"
	if testapp.Postgres() {
		disarm = "ALTER TABLE audit_events DISABLE TRIGGER USER"
	}
	app.Tamper(t, disarm, "UPDATE audit_events SET permission = 'blog.post.read' WHERE id = '"+ids[0]["id"]+"'")
	text, code = run(t, "audit verify -o json"+flags)
	require.Equal(t, cli.Failed, code)
	var report struct {
		Faults []struct{ Kind, Event string }
	}
	require.NoError(t, json.Unmarshal([]byte(text), &report))
	require.Len(t, report.Faults, 1)
	require.Equal(t, "altered", report.Faults[0].Kind)
	require.Equal(t, ids[0]["id"], report.Faults[0].Event)
	_, code = run(t, "audit verify --tenant "+user.TenantID.String()+flags)
	require.Equal(t, cli.Failed, code)
}

func TestAuditExitCodes(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]int{
		"audit":                            cli.Usage,
		"audit verify x":                   cli.Usage,
		"audit verify -o xml":              cli.Usage,
		"audit verify --key x":             cli.Usage,
		"audit verify --file a --tenant b": cli.Usage,
		"audit verify --file /nowhere":     cli.Failed,
		"audit verify --file a --key x":    cli.Failed,
		"audit export":                     cli.Usage,
		"audit export --tenant me":         cli.Usage,
		"audit export --tenant 00000000-0000-0000-0000-000000000000 --format xlsx": cli.Usage,
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			_, code := run(t, line)
			require.Equal(t, want, code)
		})
	}
}
