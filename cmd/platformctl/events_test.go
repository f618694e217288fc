package main

import (
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/cli"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/tenant"
)

func TestEventsAreListedShownAndReplayed(t *testing.T) {
	t.Parallel()
	keyFile := "security.key_file=" + filepath.Join(t.TempDir(), "encryption.key")
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{keyFile}})
	beside := func(line string) (string, int) {
		return run(t, line+" --environment test --set database.url="+app.DatabaseURL()+" --set "+keyFile)
	}
	id, owner := uuid.Must(uuid.NewV7()), uuid.New()
	require.NoError(t, app.Database.Exec(tenant.System(t.Context(), "a test"), `INSERT INTO outbox_events (id, tenant_id, topic, version, key, actor_id, request_id, trace, data, created_at)
VALUES ($1, $2, 'tea.cup.poured', 1, 'k', $2, '', '', '{"cups":3}', CURRENT_TIMESTAMP)`, []any{id, owner}, nil))
	require.NoError(t, app.Database.Exec(tenant.System(t.Context(), "a test"), `INSERT INTO outbox_deliveries (event_id, tenant_id, subscriber, lane, key, state, attempts, next_ms, error, changed_ms)
VALUES ($1, $2, 'tea.guest', 0, 'k', 2, 10, 0, 'too hot', 1)`, []any{id, owner}, nil))

	out, code := beside("events list --topic tea.cup.poured --tenant " + owner.String())
	require.Equal(t, cli.OK, code)
	require.Contains(t, out, id.String())
	out, code = beside("events show " + id.String())
	require.Equal(t, cli.OK, code)
	require.Contains(t, out, `"cups": 3`)
	require.Contains(t, out, "tea.guest")
	out, code = beside("events parked")
	require.Equal(t, cli.OK, code)
	require.Contains(t, out, `"too hot"`)
	out, code = beside("events replay " + id.String())
	require.Equal(t, cli.OK, code)
	require.Equal(t, "will be delivered again: 1\n", out)
	require.Len(t, app.Rows(t, "SELECT id FROM outbox_deliveries WHERE state = 0 AND attempts = 0"), 1)
	require.Len(t, app.Rows(t, "SELECT id FROM audit_events WHERE permission = 'ops.event.replay'"), 1)
	_, code = beside("events show " + uuid.NewString())
	require.Equal(t, cli.Failed, code)
	_, code = beside("events replay " + id.String() + " --subscriber tea.nobody")
	require.Equal(t, cli.Failed, code)
}
