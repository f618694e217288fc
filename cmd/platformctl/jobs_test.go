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

func TestJobsAreListedShownAndChanged(t *testing.T) {
	t.Parallel()
	keyFile := "security.key_file=" + filepath.Join(t.TempDir(), "encryption.key")
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{keyFile}})
	beside := func(line string) (string, int) {
		return run(t, line+" --environment test --set database.url="+app.DatabaseURL()+" --set "+keyFile)
	}
	id, owner := uuid.Must(uuid.NewV7()), uuid.New()
	require.NoError(t, app.Database.Exec(tenant.System(t.Context(), "a test"), `INSERT INTO jobs_jobs (id, tenant_id, kind, version, queue, priority,
state, attempt, max_attempts, due_ms, deadline_ms, timeout_ms, unique_key, unique_ms, actor_id, request_id, trace, args, result, error, owner, token,
cancel, dispatched_ms, dispatches, created_ms, begun_ms, changed_ms, expires_ms)
VALUES ($1, $2, 'tea.brew', 1, 'default', 2, 7, 0, 5, 4000000000000, 0, 1000, '', 0, $2, '', '', '{"cups":3}', '', '', '', '', $3, 0, 0, 1, 0, 1, 0)`,
		[]any{id, owner, false}, nil))

	out, code := beside("jobs list --state scheduled --state failed --kind tea.brew --tenant " + owner.String())
	require.Equal(t, cli.OK, code)
	require.Contains(t, out, id.String())
	_, code = beside("jobs list --state asleep")
	require.Equal(t, cli.Failed, code)
	out, code = beside("jobs show " + id.String())
	require.Equal(t, cli.OK, code)
	require.Contains(t, out, `"cups": 3`)
	_, code = beside("jobs cancel " + id.String())
	require.Equal(t, cli.OK, code)
	require.Len(t, app.Rows(t, "SELECT id FROM jobs_jobs WHERE state = 5"), 1)
	require.Len(t, app.Rows(t, "SELECT id FROM audit_events WHERE permission = 'ops.job.cancel'"), 1)
	_, code = beside("jobs cancel " + id.String())
	require.Equal(t, cli.Failed, code)
	_, code = beside("jobs delete " + id.String())
	require.Equal(t, cli.OK, code)
	_, code = beside("jobs show " + id.String())
	require.Equal(t, cli.Failed, code)

	_, code = beside("queues pause default")
	require.Equal(t, cli.OK, code)
	out, code = beside("queues list")
	require.Equal(t, cli.OK, code)
	require.Regexp(t, `default +10 +true`, out)
	_, code = beside("queues resume none")
	require.Equal(t, cli.Failed, code)
	out, code = beside("schedules list")
	require.Equal(t, cli.OK, code)
	require.Contains(t, out, "SCHEDULE")
	_, code = beside("schedules run tea.never")
	require.Equal(t, cli.Failed, code)
}
