package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/yourorg/platform/pkg/job"
)

// columns are those that a job is read from, in the order of scanJob.
const columns = `id, tenant_id, kind, version, queue, priority, state, attempt, max_attempts, due_ms, deadline_ms, timeout_ms, unique_key,
actor_id, request_id, trace, args, result, error, token, cancel, created_ms, begun_ms, changed_ms`

// row is a job as it is kept.
type row struct {
	job.Job
	state   int
	timeout time.Duration
	token   string
	cancel  bool
}

func scanJob(rows *entsql.Rows) (*row, error) {
	r := &row{}
	var due, deadline, timeout, created, begun, changed int64
	var args, result string
	err := rows.Scan(&r.ID, &r.Tenant, &r.Kind, &r.Version, &r.Queue, &r.Priority, &r.state, &r.Attempt, &r.MaxAttempts, &due, &deadline,
		&timeout, &r.UniqueKey, &r.Actor, &r.RequestID, &r.Trace, &args, &result, &r.Error, &r.token, &r.cancel, &created, &begun, &changed)
	if err != nil {
		return nil, err
	}
	r.State, r.Args, r.timeout = stateNames[r.state], json.RawMessage(args), time.Duration(timeout)*time.Millisecond
	r.Due, r.Deadline, r.Created, r.Begun, r.Changed = at(due), at(deadline), at(created), at(begun), at(changed)
	if result != "" {
		r.Result = json.RawMessage(result)
	}
	return r, nil
}

// at is a kept time; zero when there is none.
func at(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func msOf(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// query calls scan for each row.
func query(ctx context.Context, db dialect.Driver, scan func(*entsql.Rows) error, statement string, args ...any) error {
	var rows entsql.Rows
	if err := db.Query(ctx, statement, args, &rows); err != nil {
		return err
	}
	for rows.Next() {
		if err := scan(&rows); err != nil {
			return errors.Join(err, rows.Close())
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

func exec(ctx context.Context, db dialect.Driver, statement string, args ...any) (int, error) {
	var result entsql.Result
	if err := db.Exec(ctx, statement, args, &result); err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}

// among is the condition that a column is one of values, and the arguments with the values behind those that are there. On
// Postgres it is one statement however many there are, so that it is prepared once. Conditions beside it say "state + 0": a
// plan that is made while the table is small would read the whole of a partial index on the state otherwise, instead of the
// few rows by their ids.
func among[T any](db dialect.Driver, args []any, values []T) (string, []any) {
	if db.Dialect() == dialect.Postgres {
		return fmt.Sprintf("= ANY($%d)", len(args)+1), append(args, values)
	}
	marks := make([]string, len(values))
	for i, v := range values {
		args = append(args, v)
		marks[i] = fmt.Sprintf("$%d", len(args))
	}
	return "IN (" + strings.Join(marks, ", ") + ")", args
}

// relaxed is a part of an UPDATE that lets the commit go on before the disk has it. What a crash of Postgres would undo, a
// claim or the end of an attempt, is found missing then, and the job is done again under another token. SQLite has no such
// choice for one transaction.
func relaxed(db dialect.Driver) string {
	if db.Dialect() == dialect.Postgres {
		return " FROM set_config('synchronous_commit', 'off', true) AS relaxed "
	}
	return " "
}
