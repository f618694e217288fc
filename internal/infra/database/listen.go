package database

import (
	"context"
	"fmt"

	"entgo.io/ent/dialect"

	"github.com/yourorg/platform/pkg/tx"
)

// Listens tells whether replicas can wake each other through the database: Postgres can, by Notify and Listen.
func (d *Driver) Listens() bool { return d.Dialect() == dialect.Postgres }

// Notify wakes everybody else who listens to the channel: this driver does not hear itself. A notification is a hint: it may be lost with a connection.
func (d *Driver) Notify(ctx context.Context, channel string) error {
	if err := d.Exec(ctx, "SELECT pg_notify($1, $2)", []any{channel, d.id}, nil); err != nil {
		return fmt.Errorf("notify %s: %w", channel, err)
	}
	return nil
}

// Listen calls heard once it listens to the channel, and for every notification of others from then on, until ctx ends or the
// connection, which it keeps for itself, is lost.
func (d *Driver) Listen(ctx context.Context, channel string, heard func()) error {
	conn, err := d.write.DB().Conn(ctx)
	if err != nil {
		return fmt.Errorf("listen to %s: %w", channel, classify(err))
	}
	defer func() { _ = conn.Close() }()
	err = conn.Raw(func(driver any) error {
		c := driver.(*timed).conn.(*scoped).Conn.Conn() // listening touches no rows, so it needs no scope
		if _, err := c.Exec(ctx, "LISTEN "+channel); err != nil {
			return err
		}
		defer func() { _ = c.Close(context.WithoutCancel(ctx)) }() // it still listens: the pool must not get it back
		heard()
		for {
			n, err := c.WaitForNotification(ctx)
			if err != nil {
				return err
			}
			if n.Payload != d.id {
				heard()
			}
		}
	})
	return fmt.Errorf("listen to %s: %w", channel, classify(err))
}

// Settle does now what would be done before the commit of the transaction in ctx. Whoever works for several callers in
// one transaction calls it with the context of each, so that what each has done is recorded as theirs.
func (d *Driver) Settle(ctx context.Context) error {
	if !tx.Open(ctx) {
		return nil
	}
	for _, before := range d.beforeCommit {
		if err := before(ctx); err != nil {
			return err
		}
	}
	return nil
}
