package usage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/quota"
	"github.com/yourorg/platform/pkg/tenant"
)

// table is where rows are.
type table string

const (
	hours table = "usage_hours"
	days  table = "usage_days"

	batchRows = 200 // rows in one statement and transaction

	columns = "tenant_id, begins_s, requests, client_errors, server_errors, bytes_in, bytes_out, took_us, latency, units"
	fields  = 11 // those, and the id

	// begun is true of a batch that has not been written.
	begun = `INSERT INTO usage_writers (id, number, seen_ms) VALUES ($1, $2, $3)
ON CONFLICT (id) DO UPDATE SET number = excluded.number, seen_ms = excluded.seen_ms WHERE usage_writers.number < excluded.number`
)

// The sum of two JSON objects of numbers, name by name.
var merged = map[string]string{
	dialect.SQLite: `(SELECT json_group_object(key, n) FROM (SELECT key, min(sum(value), {most}) AS n FROM
(SELECT key, value FROM json_each({table}.{column}) UNION ALL SELECT key, value FROM json_each(excluded.{column})) GROUP BY key))`,
	dialect.Postgres: `(SELECT '{' || coalesce(string_agg('"' || key || '":' || n, ',' ORDER BY key), '') || '}' FROM (SELECT key, least(sum(value::numeric), {most}) AS n FROM
(SELECT key, value FROM json_each_text({table}.{column}::json) UNION ALL SELECT key, value FROM json_each_text(excluded.{column}::json)) AS parts GROUP BY key) AS sums)`,
}

// statements are those that add rows, by table: one statement adds to a row whatever others do at the same time.
func statements(engine string) map[table]string {
	least := "min"
	if engine == dialect.Postgres {
		least = "least"
	}
	all := map[table]string{}
	for _, t := range []table{hours, days} {
		var sets []string
		for _, c := range []string{"requests", "client_errors", "server_errors", "bytes_in", "bytes_out", "took_us"} {
			sets = append(sets, c+" = "+least+"({table}."+c+" + excluded."+c+", {most})")
		}
		for _, c := range []string{"latency", "units"} {
			sets = append(sets, c+" = CASE WHEN excluded."+c+" = '{}' THEN {table}."+c+" ELSE "+strings.ReplaceAll(merged[engine], "{column}", c)+" END")
		}
		text := "\nON CONFLICT (tenant_id, begins_s) DO UPDATE SET " + strings.Join(sets, ",\n")
		all[t] = strings.NewReplacer("{table}", string(t), "{most}", strconv.Itoa(most)).Replace(text)
	}
	return all
}

// write adds a batch to the hours, unless that has been done: a commit whose answer was lost is not repeated.
func (r *Recorder) write(ctx context.Context, b batch) error {
	ctx, cancel := context.WithTimeout(tenant.System(ctx, "usage of tenants"), r.cfg.FlushInterval)
	defer cancel()
	return r.db.InTx(ctx, func(ctx context.Context) error {
		n, err := r.exec(ctx, begun, r.writer, b.number, time.Now().UnixMilli())
		if err != nil || n == 0 {
			return err
		}
		return r.insert(ctx, hours, b.rows)
	})
}

// insert adds rows, of which no two have one slot, to a table.
func (r *Recorder) insert(ctx context.Context, to table, rows []row) error {
	var values strings.Builder
	args := make([]any, 0, len(rows)*fields)
	for i, one := range rows {
		begin := ",("
		if i == 0 {
			begin = "("
		}
		for f := range fields {
			values.WriteString(begin + "$" + strconv.Itoa(i*fields+f+1))
			begin = ","
		}
		values.WriteByte(')')
		id, err := uuid.NewV7()
		if err != nil {
			return err
		}
		args = append(args, id, one.tenant, one.begins, one.requests, one.clientErrors, one.serverErrors, one.bytesIn, one.bytesOut, one.took,
			object(one.counts()), object(one.units))
	}
	_, err := r.exec(ctx, "INSERT INTO "+string(to)+" (id, "+columns+") VALUES "+values.String()+r.add[to], args...)
	return err
}

func (r *Recorder) exec(ctx context.Context, statement string, args ...any) (int, error) {
	var result entsql.Result
	if err := r.db.Exec(ctx, statement, args, &result); err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}

// query returns the rows of a statement that returns columns.
func (r *Recorder) query(ctx context.Context, statement string, args ...any) (all []row, err error) {
	var rows entsql.Rows
	if err := r.db.Query(ctx, statement, args, &rows); err != nil {
		return nil, err
	}
	for rows.Next() {
		one := row{tally: &tally{}}
		var counts, units string
		err = rows.Scan(&one.tenant, &one.begins, &one.requests, &one.clientErrors, &one.serverErrors, &one.bytesIn, &one.bytesOut, &one.took, &counts, &units)
		if err == nil {
			err = one.read(counts, units)
		}
		if err != nil {
			break
		}
		all = append(all, one)
	}
	return all, errors.Join(err, rows.Err(), rows.Close())
}

// read is the reverse of object.
func (t *tally) read(counts, units string) error {
	byBucket := map[int]int64{}
	if err := json.Unmarshal([]byte(counts), &byBucket); err != nil {
		return fmt.Errorf("a histogram: %w", err)
	}
	for i, n := range byBucket {
		if i < 0 || i >= buckets {
			return fmt.Errorf("a histogram has no bucket %d", i)
		}
		t.latency[i] = n
	}
	t.units = map[quota.Unit]int64{}
	if err := json.Unmarshal([]byte(units), &t.units); err != nil {
		return fmt.Errorf("the units: %w", err)
	}
	return nil
}
