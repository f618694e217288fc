package idempotency

import (
	"context"
	"errors"
	"fmt"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/yourorg/platform/internal/infra/database"
)

// The statements name the tenant, which only row-level security would add on Postgres, and nobody on SQLite.
const (
	findAnswer = `SELECT answer FROM idempotency_answers WHERE id = $1 AND tenant_id = $2 AND expires_ms > $3`

	// The lock is that of the transaction. What commits between the snapshot of this statement and the lock is not seen:
	// keepAnswer finds it then.
	lockAndFind = `SELECT pg_try_advisory_xact_lock($3), a.answer, coalesce(a.expires_ms, 0) FROM (SELECT 1) AS one
LEFT JOIN idempotency_answers a ON a.id = $1 AND a.tenant_id = $2`

	keepAnswer = `INSERT INTO idempotency_answers (id, tenant_id, user_id, answer, expires_ms) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (id) DO UPDATE SET user_id = excluded.user_id, answer = excluded.answer, expires_ms = excluded.expires_ms
WHERE idempotency_answers.expires_ms <= $6`

	// Of what is made here: ids, numbers and bytes.
	keepAtCommit = `INSERT INTO idempotency_answers (id, tenant_id, user_id, answer, expires_ms) VALUES ('%s', '%s', '%s', %s, %d)`
)

// maxAtCommit is the largest sealed answer that goes with the commit: as a text it is twice as long.
const maxAtCommit = 64 << 10 // bytes

// state is what is known of a place at the beginning of the work.
type state struct {
	free    bool   // nobody else is at it, on any replica
	sealed  []byte // the answer, when there is one
	expired bool   // there was one
}

// find returns the sealed answer, nil when there is none or it has expired.
func (a *Answers) find(ctx context.Context, r *Request, p place) (sealed []byte, err error) {
	err = a.query(ctx, findAnswer, []any{p.id, r.Tenant, time.Now().UnixMilli()}, &sealed)
	return sealed, err
}

// look is find, within the transaction of the work.
func (a *Answers) look(ctx context.Context, r *Request, p place) (s state, err error) {
	if a.db.Dialect() != dialect.Postgres { // whoever has a transaction is the only one
		s.free = true
		s.sealed, err = a.find(ctx, r, p)
		return s, err
	}
	var expires int64
	err = a.query(ctx, lockAndFind, []any{p.id, r.Tenant, p.lock}, &s.free, &s.sealed, &expires)
	if s.sealed != nil && expires <= time.Now().UnixMilli() {
		s.sealed, s.expired = nil, true
	}
	return s, err
}

// insert keeps an answer. Where it can it goes with the commit, which then tells whether the place was taken.
func (a *Answers) insert(ctx context.Context, r *Request, p place, s state, answer *Answer) error {
	plain, err := keep(r.Fingerprint, answer, a.cfg.MaxAnswerBytes).encode()
	if err != nil {
		return fmt.Errorf("keep an answer: %w", err)
	}
	sealed, err := a.sealer.Seal(plain, purpose(p.id))
	if err != nil {
		return fmt.Errorf("keep an answer: %w", err)
	}
	now := time.Now()
	expires := now.Add(a.cfg.Retention).UnixMilli()
	if a.db.Dialect() == dialect.Postgres && !s.expired && len(sealed) <= maxAtCommit {
		return a.db.ExecAtCommit(ctx, fmt.Sprintf(keepAtCommit, p.id, r.Tenant, r.User, database.Hex(sealed), expires))
	}
	n, err := a.exec(ctx, keepAnswer, p.id, r.Tenant, r.User, sealed, expires, now.UnixMilli())
	if err != nil {
		return fmt.Errorf("keep an answer: %w", err)
	}
	if n == 0 {
		return errBeaten
	}
	return nil
}

// beaten tells whether an answer could not be kept because there is one.
func beaten(err error) bool {
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		return refused.Code == "23505" && refused.TableName == "idempotency_answers" // unique_violation
	}
	return errors.Is(err, errBeaten)
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
