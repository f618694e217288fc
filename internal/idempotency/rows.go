package idempotency

import (
	"context"
	"errors"
	"fmt"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
)

// The statements name the tenant, which only row-level security would add on Postgres, and nobody on SQLite.
const (
	findAnswer = `SELECT answer FROM idempotency_answers WHERE id = $1 AND tenant_id = $2 AND expires_ms > $3`

	// The lock is that of the transaction. What commits between the snapshot of this statement and the lock is not seen:
	// keepAnswer finds it then.
	lockAndFind = `SELECT pg_try_advisory_xact_lock($4), a.answer FROM (SELECT 1) AS one LEFT JOIN idempotency_answers a
ON a.id = $1 AND a.tenant_id = $2 AND a.expires_ms > $3`

	keepAnswer = `INSERT INTO idempotency_answers (id, tenant_id, user_id, answer, expires_ms) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (id) DO UPDATE SET user_id = excluded.user_id, answer = excluded.answer, expires_ms = excluded.expires_ms
WHERE idempotency_answers.expires_ms <= $6`
)

// find returns the sealed answer, nil when there is none or it has expired.
func (a *Answers) find(ctx context.Context, r *Request, p place) (sealed []byte, err error) {
	err = a.query(ctx, findAnswer, []any{p.id, r.Tenant, time.Now().UnixMilli()}, &sealed)
	return sealed, err
}

// look is find, within the transaction of the work. free tells whether nobody else, on any replica, is at it.
func (a *Answers) look(ctx context.Context, r *Request, p place) (free bool, sealed []byte, err error) {
	if a.db.Dialect() != dialect.Postgres { // whoever has a transaction is the only one
		sealed, err = a.find(ctx, r, p)
		return true, sealed, err
	}
	err = a.query(ctx, lockAndFind, []any{p.id, r.Tenant, time.Now().UnixMilli(), p.lock}, &free, &sealed)
	return free, sealed, err
}

func (a *Answers) insert(ctx context.Context, r *Request, p place, answer *Answer) error {
	plain, err := keep(r.Fingerprint, answer, a.cfg.MaxAnswerBytes).encode()
	if err != nil {
		return fmt.Errorf("keep an answer: %w", err)
	}
	sealed, err := a.sealer.Seal(plain, purpose(p.id))
	if err != nil {
		return fmt.Errorf("keep an answer: %w", err)
	}
	now := time.Now()
	n, err := a.exec(ctx, keepAnswer, p.id, r.Tenant, r.User, sealed, now.Add(a.cfg.Retention).UnixMilli(), now.UnixMilli())
	if err != nil {
		return fmt.Errorf("keep an answer: %w", err)
	}
	if n == 0 {
		return errBeaten
	}
	return nil
}

// query scans the one row that there may be.
func (a *Answers) query(ctx context.Context, statement string, args []any, into ...any) error {
	var rows entsql.Rows
	if err := a.db.Query(ctx, statement, args, &rows); err != nil {
		return fmt.Errorf("look for an answer: %w", err)
	}
	if rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return errors.Join(fmt.Errorf("look for an answer: %w", err), rows.Close())
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

func (a *Answers) exec(ctx context.Context, statement string, args ...any) (int, error) {
	var result entsql.Result
	if err := a.db.Exec(ctx, statement, args, &result); err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}
