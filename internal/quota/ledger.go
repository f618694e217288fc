package quota

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/quota"
	"github.com/yourorg/platform/pkg/tenant"
)

// ledger is the table of the counters. Its statements name the tenant, which only row-level security would add on Postgres, and
// nobody on SQLite.
type ledger struct {
	db                                      dialect.Driver
	charge, adjust, free, tell, lock, where string
}

// numbered are the windows that begin again.
var numbered = []string{"minute", "hour", "day", "month"}

func newLedger(db dialect.Driver) *ledger {
	least, greatest := "LEAST", "GREATEST"
	if db.Dialect() == dialect.SQLite { // which parses the statement each time: the shorter, the better
		least, greatest = "MIN", "MAX"
	}
	atMost := func(expression string) string { return fmt.Sprintf("%s(%s, %d)", least, expression, maxUsed) }
	bounded := func(expression string) string { return fmt.Sprintf("%s(%s, 0)", greatest, atMost(expression)) }
	var names, values, sets, rooms, adjusted, told []string
	columns := []string{}
	for i, w := range numbered {
		this, turned := fmt.Sprintf("$%d", 5+i), fmt.Sprintf("excluded.%[1]s > c.%[1]s", w)
		names, values = append(names, w, w+"_used"), append(values, this, "$4")
		sets = append(
			sets,
			fmt.Sprintf("%[1]s = %[2]s(excluded.%[1]s, c.%[1]s)", w, greatest),
			fmt.Sprintf("%[1]s_used = CASE WHEN %[2]s THEN $4 ELSE %[3]s END", w, turned, atMost("c."+w+"_used + $4")),
			fmt.Sprintf("%[1]s_told = CASE WHEN %[2]s THEN 0 ELSE c.%[1]s_told END", w, turned),
		)
		rooms = append(rooms, fmt.Sprintf("(%s OR c.%s_used <= $%d)", turned, w, 9+i)) // what a new window has room for is checked before
		adjusted = append(adjusted, fmt.Sprintf("%[1]s_used = CASE WHEN %[1]s = $%[2]d THEN %[3]s ELSE %[1]s_used END", w, 4+i, bounded(w+"_used + $3")))
		columns = append(columns, w, w+"_used", w+"_told", w+"_told_of")
	}
	columns = append(columns, "lifetime_used", "lifetime_told", "lifetime_told_of")
	for i, w := range windows {
		told = append(told, fmt.Sprintf("%s_told = $%d, %s_told_of = $%d", w, 3+2*i, w, 4+2*i))
	}
	left, after := bounded("lifetime_used - $3"), bounded("lifetime_used + $3")
	fallen := func(to string) string { // a level is announced again after the use has fallen 10 % below it
		return "lifetime_told = CASE WHEN 10 * " + to + " < 7 * lifetime_told_of THEN 0" +
			" WHEN lifetime_told > 80 AND 10 * " + to + " < 9 * lifetime_told_of THEN 80 ELSE lifetime_told END"
	}
	returning := " RETURNING " + strings.Join(columns, ", ")
	return &ledger{
		db: db,
		charge: "INSERT INTO quota_counters AS c (id, tenant_id, unit, " + strings.Join(names, ", ") + ", lifetime_used) VALUES ($1, $2, $3, " + strings.Join(values, ", ") + ", $4)" +
			" ON CONFLICT (tenant_id, unit) DO UPDATE SET " + strings.Join(sets, ", ") + ", lifetime_used = " + atMost("c.lifetime_used + $4") +
			" WHERE " + strings.Join(rooms, " AND ") + " AND c.lifetime_used <= $13" + returning,
		adjust: "UPDATE quota_counters SET " + strings.Join(adjusted, ", ") + ", lifetime_used = " + after + ", " + fallen(after) +
			" WHERE tenant_id = $1 AND unit = $2" + returning,
		free: "UPDATE quota_counters SET lifetime_used = " + left + ", " + fallen(left) +
			" WHERE tenant_id = $1 AND unit = $2",
		tell:  "UPDATE quota_counters SET " + strings.Join(told, ", ") + " WHERE tenant_id = $1 AND unit = $2",
		lock:  "UPDATE quota_counters SET lifetime_used = lifetime_used WHERE tenant_id = $1 AND unit = $2" + returning,
		where: "SELECT unit, " + strings.Join(columns, ", ") + " FROM quota_counters WHERE tenant_id = $1",
	}
}

// add counts n in every window, if all hard limits have room for it, and returns the row as it is then. Otherwise it
// returns nil, and nothing is counted.
func (l *ledger) add(ctx context.Context, id tenant.ID, u quota.Unit, n int64, at numbers, limits []quota.Limit) (*row, error) {
	most := [5]int64{math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64} // that may be used before
	for _, limit := range limits {
		if limit.Soft {
			continue
		}
		if n > limit.Amount {
			return nil, nil
		}
		most[index(limit)] = limit.Amount - n
	}
	return l.one(ctx, l.charge, uuid.New(), id, string(u), n, at[0], at[1], at[2], at[3], most[0], most[1], most[2], most[3], most[4])
}

// change adds delta, which may be negative, to the windows of at that have not begun again, and to the lifetime. There is no
// row when nothing was ever counted.
func (l *ledger) change(ctx context.Context, id tenant.ID, u quota.Unit, delta int64, at numbers) (*row, error) {
	return l.one(ctx, l.adjust, id, string(u), delta, at[0], at[1], at[2], at[3])
}

// read returns the row of a unit, or an empty one.
func (l *ledger) read(ctx context.Context, id tenant.ID, u quota.Unit) (r row, err error) {
	all, err := l.all(ctx, l.where+" AND unit = $2", id, string(u))
	return all[u], err
}

func (l *ledger) all(ctx context.Context, statement string, args ...any) (map[quota.Unit]row, error) {
	var rows entsql.Rows
	if err := l.db.Query(ctx, statement, args, &rows); err != nil {
		return nil, err
	}
	all := map[quota.Unit]row{}
	for rows.Next() {
		var unit string
		var r row
		if err := rows.Scan(append([]any{&unit}, r.into()...)...); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		all[quota.Unit(unit)] = r
	}
	return all, errors.Join(rows.Err(), rows.Close())
}

// one runs a statement that returns the row that it has changed, if there is one.
func (l *ledger) one(ctx context.Context, statement string, args ...any) (*row, error) {
	var rows entsql.Rows
	if err := l.db.Query(ctx, statement, args, &rows); err != nil {
		return nil, err
	}
	var r *row
	if rows.Next() {
		r = &row{}
		if err := rows.Scan(r.into()...); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
	}
	return r, errors.Join(rows.Err(), rows.Close())
}

// into is where the columns go.
func (r *row) into() []any {
	all := make([]any, 0, 19)
	for i := range r {
		if i < len(numbered) {
			all = append(all, &r[i].number)
		}
		all = append(all, &r[i].used, &r[i].told, &r[i].toldOf)
	}
	return all
}

func (l *ledger) exec(ctx context.Context, statement string, args ...any) (int, error) {
	var result entsql.Result
	if err := l.db.Exec(ctx, statement, args, &result); err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}
