// Package lease lets one replica at a time hold a name, until it gives it back or stops renewing it.
package lease

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
)

// Leases are kept in a table of the database. Only the clock of the database decides whether one has expired, so the
// clocks of the replicas may differ.
type Leases struct {
	db     dialect.Driver
	holder string
	now    string // milliseconds since 1970, as the engine says it
}

// Lease is a name that this replica holds, or held.
type Lease struct {
	Name  string
	Token int64 // rises whenever the name gets a new holder: what an older holder still writes can be told by it

	until time.Time
}

// New returns the leases of a replica that has just started. No two replicas have the same holder, not even two lives
// of one replica: what a killed process held is waited for until it expires.
func New(db dialect.Driver) *Leases {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	now := "(CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint))"
	if db.Dialect() == dialect.SQLite {
		now = "(CAST(unixepoch('subsec') * 1000 AS INTEGER))"
	}
	return &Leases{db: db, holder: fmt.Sprintf("%s:%d:%s", host, os.Getpid(), rand.Text()[:8]), now: now}
}

// Holder names this replica.
func (l *Leases) Holder() string { return l.holder }

// Held tells whether the lease has surely not expired yet. It is measured by the monotonic clock from before the last
// renewal was asked for, so it errs on the safe side; a process that was suspended finds out only from Renew.
func (l Lease) Held() bool { return time.Now().Before(l.until) }

// Acquire takes name for ttl if nobody holds it, or if this replica does, whose lease is then renewed. ok is false when
// another replica holds it.
func (l *Leases) Acquire(ctx context.Context, name string, ttl time.Duration) (held Lease, ok bool, err error) {
	until := time.Now().Add(ttl)
	token, ok, err := l.token(ctx, `INSERT INTO lease_leases (id, holder, token, expires_ms) VALUES ($1, $2, 1, `+l.now+` + $3)
ON CONFLICT (id) DO UPDATE SET
	token = CASE WHEN lease_leases.holder = excluded.holder AND lease_leases.expires_ms > `+l.now+` THEN lease_leases.token ELSE lease_leases.token + 1 END,
	holder = excluded.holder, expires_ms = excluded.expires_ms
WHERE lease_leases.holder = excluded.holder OR lease_leases.expires_ms <= `+l.now+`
RETURNING token`, name, l.holder, ttl.Milliseconds())
	if err != nil {
		return Lease{}, false, fmt.Errorf("acquire the lease %s: %w", name, err)
	}
	return Lease{Name: name, Token: token, until: until}, ok, nil
}

// Renew extends a lease to ttl from now. ok is false when it was lost: it expired and another replica took it. One that
// expired and that nobody took goes on.
func (l *Leases) Renew(ctx context.Context, held Lease, ttl time.Duration) (renewed Lease, ok bool, err error) {
	until := time.Now().Add(ttl)
	_, ok, err = l.token(ctx, `UPDATE lease_leases SET expires_ms = `+l.now+` + $1 WHERE id = $2 AND holder = $3 AND token = $4 RETURNING token`,
		ttl.Milliseconds(), held.Name, l.holder, held.Token)
	if err != nil {
		return held, false, fmt.Errorf("renew the lease %s: %w", held.Name, err)
	}
	if !ok {
		return Lease{Name: held.Name, Token: held.Token}, false, nil
	}
	held.until = until
	return held, true, nil
}

// Release gives a lease back, so that another replica need not wait for it to expire. One that was lost is left alone.
// The row stays: the token must rise for ever.
func (l *Leases) Release(ctx context.Context, held Lease) error {
	_, _, err := l.token(ctx, `UPDATE lease_leases SET expires_ms = 0 WHERE id = $1 AND holder = $2 AND token = $3 RETURNING token`,
		held.Name, l.holder, held.Token)
	if err != nil {
		return fmt.Errorf("release the lease %s: %w", held.Name, err)
	}
	return nil
}

// token runs a statement that returns the token of the one row that it changed, if it changed one.
func (l *Leases) token(ctx context.Context, statement string, args ...any) (token int64, ok bool, err error) {
	var rows entsql.Rows
	if err := l.db.Query(ctx, statement, args, &rows); err != nil {
		return 0, false, err
	}
	if rows.Next() {
		ok = true
		err = rows.Scan(&token)
	}
	return token, ok, errors.Join(err, rows.Err(), rows.Close())
}
