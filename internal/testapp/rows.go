package testapp

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/tenant"
)

// Rows runs a query past every module, over the rows of every tenant, and returns each row as column → text. Both engines
// must understand it.
func (a *App) Rows(t testing.TB, query string) []map[string]string {
	t.Helper()
	var rows entsql.Rows
	require.NoError(t, a.Database.Query(tenant.System(t.Context(), "a test looks at everything"), query, []any{}, &rows))
	defer func() { require.NoError(t, rows.Close()) }()
	columns, err := rows.Columns()
	require.NoError(t, err)
	var all []map[string]string
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		require.NoError(t, rows.Scan(into...))
		row := map[string]string{}
		for i, name := range columns {
			if raw, ok := values[i].([]byte); ok {
				values[i] = string(raw)
			}
			row[name] = fmt.Sprint(values[i])
		}
		all = append(all, row)
	}
	require.NoError(t, rows.Err())
	return all
}

// Tamper changes the database past every module and every policy, as whoever has its password could.
func (a *App) Tamper(t testing.TB, statements ...string) {
	t.Helper()
	if a.Database.Dialect() == dialect.SQLite {
		for _, s := range statements {
			require.NoError(t, a.Database.Exec(t.Context(), s, []any{}, nil))
		}
		return
	}
	login, err := sql.Open("pgx", a.database)
	require.NoError(t, err)
	defer func() { require.NoError(t, login.Close()) }()
	for _, s := range statements {
		_, err := login.ExecContext(t.Context(), s)
		require.NoError(t, err)
	}
}

// Settled waits until no job and no delivery of an event is due or being done, so that what was promised before has happened.
func (a *App) Settled(t testing.TB) {
	t.Helper()
	require.Eventually(t, func() bool { return len(a.Rows(t, unsettled)) == 0 }, 60*time.Second, 5*time.Millisecond, "jobs or deliveries are not done")
}

// Dump is everything in the database but what any request may leave behind: the audit trail, the feed of changes,
// the leases, the heartbeats of the workers, what was counted and the time at which a session or key was last seen. It waits for jobs that are
// under way, so two dumps are equal when nothing was changed in between.
func (a *App) Dump(t testing.TB) map[string][]string {
	t.Helper()
	a.Settled(t)
	tables := "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = current_schema()"
	if a.Database.Dialect() == dialect.SQLite {
		tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
	}
	dump := map[string][]string{}
	for _, table := range a.Rows(t, tables) {
		name := table["name"]
		if strings.HasPrefix(name, "audit_") || strings.HasPrefix(name, "river_") || strings.HasPrefix(name, "usage_") || name == "jobs_replicas" || name == "changes_log" || name == "lease_leases" || strings.HasSuffix(name, "_migrations") {
			continue
		}
		dump[name] = []string{}
		rows := `SELECT * FROM "` + name + `"`
		if name == "jobs_schedules" { // they appear, and move on, by themselves; what somebody does is to pause them
			rows += " WHERE paused"
		}
		for _, row := range a.Rows(t, rows) {
			for _, column := range []string{"last_seen_at", "last_used_at", "last_used_ip"} {
				delete(row, column)
			}
			dump[name] = append(dump[name], fmt.Sprint(row)) // prints a map in the order of its keys
		}
		slices.Sort(dump[name])
	}
	return dump
}

// unsettled finds jobs that are queued or running, and events that are being delivered. Those that wait for their time are left
// alone.
const unsettled = "SELECT 1 AS due FROM jobs_jobs WHERE state IN (0, 2) UNION ALL SELECT 1 FROM outbox_deliveries WHERE state = 0"
