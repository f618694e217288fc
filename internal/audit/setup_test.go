package audit

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/audit/ent"
	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/internal/secret"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/tenant"
)

const testKey = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// trail is everything that keeps one audit trail, without a loop that seals it.
type trail struct {
	*Log
	d        *database.Driver
	chain    *Chain
	verifier *Verifier
	exporter *Exporter
}

// newTrail is a replica: several may share a database.
func newTrail(d *database.Driver) *trail {
	sealer, err := secret.New(secret.Config{EncryptionKey: config.Secret(testKey)}, config.Test)
	if err != nil {
		panic(err)
	}
	client := ent.NewClient(ent.Driver(d))
	t := &trail{d: d}
	keys := NewKeys(client, sealer)
	t.chain = NewChain(DefaultConfig(), d, d, keys, zap.NewNop())
	if err := t.chain.Prepare(context.Background()); err != nil {
		panic(err)
	}
	t.Log, t.verifier = New(client, keys), NewVerifier(d, NewKeys(client, sealer))
	t.exporter = NewExporter(t.chain, t.verifier)
	return t
}

// wired is the trail that hears of every commit.
func wired(tr *trail) *trail {
	tr.d.BeforeCommit(tr.CommitChanges)
	return tr
}

// fill records events in a tenant, and seals after every third.
func (tr *trail) fill(t require.TestingT, of uuid.UUID, n int) {
	for i := range n {
		ctx := tenant.NewContext(context.Background(), of)
		require.NoError(t, tr.Record(ctx, audit.Entry{
			Action: "blog.post.create", Target: fmt.Sprintf("blog.post:%d", i), Actor: uuid.New(), Outcome: audit.Failed,
		}))
		if i%3 == 2 {
			tr.seal(t)
		}
	}
	tr.seal(t)
}

func (tr *trail) seal(t require.TestingT) int {
	n, err := tr.chain.Seal(context.Background())
	require.NoError(t, err)
	return n
}

func (tr *trail) verify(t require.TestingT) *Report {
	report, err := tr.verifier.Verify(context.Background())
	require.NoError(t, err)
	return report
}

// export returns the NDJSON of a tenant.
func (tr *trail) export(t require.TestingT, of uuid.UUID) []byte {
	var b bytes.Buffer
	require.NoError(t, tr.exporter.ExportTenant(context.Background(), of, audit.NDJSON, &b))
	return b.Bytes()
}

var tables = []string{"events", "links", "checkpoints", "anchors", "unsealed", "keys", "head"}

// exec runs statements as somebody who may do everything in the database, past every trigger.
func (tr *trail) exec(t require.TestingT, statements ...string) {
	rearm := tr.disarm(t)
	for _, statement := range statements {
		tr.run(t, statement)
	}
	rearm()
}

func (tr *trail) run(t require.TestingT, statement string) {
	require.NoError(t, tr.d.Exec(context.Background(), statement, []any{}, nil), statement)
}

// disarm takes the triggers away until rearm is called.
func (tr *trail) disarm(t require.TestingT) (rearm func()) {
	if tr.d.Dialect() == "postgres" {
		switched := func(to string) {
			for _, table := range tables {
				tr.run(t, "ALTER TABLE audit_"+table+" "+to+" TRIGGER USER")
			}
		}
		switched("DISABLE")
		return func() { switched("ENABLE") }
	}
	triggers := tr.column(t, "SELECT sql FROM sqlite_master WHERE type = 'trigger'")
	for _, name := range tr.column(t, "SELECT name FROM sqlite_master WHERE type = 'trigger'") {
		tr.run(t, "DROP TRIGGER "+name)
	}
	return func() {
		for _, trigger := range triggers {
			tr.run(t, trigger)
		}
	}
}

// column returns what a query finds, as text.
func (tr *trail) column(t require.TestingT, query string) []string {
	var all []string
	require.NoError(t, (rows{tr.d}).raw(query, func(c *cells) { all = append(all, fmt.Sprint(c.take())) }))
	return all
}

func (r rows) raw(query string, each func(*cells)) error {
	var found entsql.Rows
	if err := r.d.Query(context.Background(), query, []any{}, &found); err != nil {
		return err
	}
	defer func() { _ = found.Close() }()
	for found.Next() {
		c := &cells{values: make([]any, 1)}
		if err := found.Scan(&c.values[0]); err != nil {
			return err
		}
		each(c)
	}
	return found.Err()
}

func onEach(t *testing.T, test func(t *testing.T, tr *trail)) {
	t.Helper()
	onEachEngine(t, func(t *testing.T, d *database.Driver) { test(t, wired(newTrail(d))) })
}
