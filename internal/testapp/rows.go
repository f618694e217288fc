package testapp

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/stretchr/testify/require"
)

// Rows runs a query past every module and returns each row as column → text. Both engines must understand it.
func (a *App) Rows(t testing.TB, query string) []map[string]string {
	t.Helper()
	var rows entsql.Rows
	require.NoError(t, a.Database.Query(t.Context(), query, []any{}, &rows))
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

// Dump is everything in the database but what any request may leave behind: the audit trail, the feed of changes and
// the time at which a session was last seen. Two dumps are equal when nothing was changed in between.
func (a *App) Dump(t testing.TB) map[string][]string {
	t.Helper()
	tables := "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = current_schema()"
	if a.Database.Dialect() == dialect.SQLite {
		tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
	}
	dump := map[string][]string{}
	for _, table := range a.Rows(t, tables) {
		name := table["name"]
		if strings.HasPrefix(name, "audit_") || name == "changes_log" || strings.HasSuffix(name, "_migrations") {
			continue
		}
		dump[name] = []string{}
		for _, row := range a.Rows(t, `SELECT * FROM "`+name+`"`) {
			delete(row, "last_seen_at")
			dump[name] = append(dump[name], fmt.Sprint(row)) // prints a map in the order of its keys
		}
		slices.Sort(dump[name])
	}
	return dump
}
