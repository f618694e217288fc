package audit

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/tenant"
)

// row is where an attacker has been, and by what Verify must name it.
type row struct {
	table, id string // the id of the event, or of the row where there is none
	tenant    string
	seq       int64
}

func (r row) named(report *Report) bool {
	return slices.ContainsFunc(report.Faults, func(f Fault) bool {
		switch r.table {
		case "audit_events", "audit_unsealed":
			return f.Event == r.id
		case "audit_links":
			return f.Event == r.id || f.What == "event" && f.Tenant.String() == r.tenant && f.Seq == r.seq
		case "audit_checkpoints":
			return f.What == "checkpoint" && fmt.Sprint(f.Seq) == r.id
		case "audit_anchors":
			return f.What == "anchor" || f.Tenant.String() == r.tenant
		}
		return f.What == "head"
	})
}

// cell reads one value as the database has it.
func (tr *trail) cell(t require.TestingT, table, column, id string) any {
	s := (rows{tr.d}).from(table, "id")
	expression := s.C(column)
	if tr.d.Dialect() == dialect.SQLite && column == "time" {
		expression = "+" + expression
	}
	s = (rows{tr.d}).from(table)
	s.AppendSelectExpr(entsql.Raw(expression))
	var value any
	require.NoError(t, (rows{tr.d}).query(context.Background(), s.Where(entsql.EQ(s.C("id"), id)), func(c *cells) { value = c.take() }))
	return value
}

func (tr *trail) set(t require.TestingT, table, column, id string, value any) {
	query, args := entsql.Dialect(tr.d.Dialect()).Update(table).Set(column, value).Where(entsql.EQ("id", id)).Query()
	require.NoError(t, tr.d.Exec(context.Background(), query, args, nil), "%s.%s", table, column)
}

// flip changes one byte of a value, so that the column still takes it.
func flip(t *rapid.T, engine, column string, value any) any {
	switch v := value.(type) {
	case nil:
		return map[string]any{"actor": uuid.NewString(), "key_id": uuid.NewString(), "changes": "[]", "signature": []byte{1}, "mac": []byte{1}}[column]
	case int64:
		return v ^ 1<<rapid.IntRange(5, 40).Draw(t, "bit") // high enough to meet no other row
	case bool:
		return !v
	case time.Time:
		return v.Add(time.Duration(rapid.IntRange(1, 1<<30).Draw(t, "microseconds")) * time.Microsecond)
	case []byte:
		flipped := slices.Clone(v)
		flipped[rapid.IntRange(0, len(v)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		return flipped
	case string:
		if v == "" {
			return "x"
		}
		at := rapid.IntRange(0, len(v)-1).Draw(t, "byte")
		replacement := rapid.SampledFrom([]byte("0123456789abcdefABCDEF-+:. ~")).Filter(func(b byte) bool { return b != v[at] })
		typed := slices.Contains([]string{"id", "tenant_id", "actor", "key_id"}, column)
		if typed && engine == dialect.Postgres { // which takes nothing but a UUID
			for v[at] == '-' {
				at++
			}
			replacement = rapid.SampledFrom([]byte("0123456789abcdef")).Filter(func(b byte) bool { return b != v[at] })
		}
		return v[:at] + string(replacement.Draw(t, "replacement")) + v[at+1:]
	}
	return nil
}

var columns = map[string][]string{
	"audit_events":      {"id", "tenant_id", "time", "actor", "permission", "target", "outcome", "ip", "request_id", "reason", "changes", "mac"},
	"audit_links":       {"id", "tenant_id", "seq", "digest", "prev", "hash"},
	"audit_checkpoints": {"id", "tenant_id", "seq", "hash", "time", "key_id", "signature"},
	"audit_anchors":     {"id", "tenant_id", "seq", "hash", "time", "key_id", "signature"},
	"audit_unsealed":    {"id", "refused"},
	"audit_head":        {"number", "floor", "key_id", "signature"},
}

func TestEveryByteOfEveryRowCounts(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, tr *trail) {
		a, b := uuid.New(), uuid.New()
		tr.fill(t, a, 8)
		tr.shorten(t)
		tr.fill(t, a, 8)
		tr.fill(t, b, 5)
		ctx := tenant.NewContext(t.Context(), a)
		require.NoError(t, tr.d.InTx(ctx, func(ctx context.Context) error {
			audit.Track(ctx, audit.Change{Entity: "blog.post", ID: "1", Action: audit.Created, Fields: map[string]audit.Field{}})
			return tr.Record(ctx, audit.Entry{Action: "blog.post.create"})
		}))
		tr.seal(t)
		require.NoError(t, tr.Record(ctx, audit.Entry{Action: "blog.post.delete"}))
		require.Empty(t, tr.verify(t).Faults)
		tr.disarm(t)

		rapid.Check(t, func(t *rapid.T) {
			table := rapid.SampledFrom([]string{
				"audit_events", "audit_events", "audit_links", "audit_links", "audit_checkpoints", "audit_anchors", "audit_unsealed", "audit_head",
			}).Draw(t, "table")
			column := rapid.SampledFrom(columns[table]).Draw(t, "column")
			id := rapid.SampledFrom(tr.column(t, "SELECT id FROM "+table+" ORDER BY id")).Draw(t, "row")
			r := row{table: table, id: id}
			if slices.Contains(columns[table], "seq") {
				r.tenant, r.seq = tr.cell(t, table, "tenant_id", id).(string), tr.cell(t, table, "seq", id).(int64)
			}
			was := tr.cell(t, table, column, id)
			is := flip(t, tr.d.Dialect(), column, was)
			tr.set(t, table, column, id, is)
			report := tr.verify(t)
			if column == "id" {
				id = fmt.Sprint(is)
			}
			tr.set(t, table, column, id, was)
			require.True(t, r.named(report), "%s.%s of %s: %v became %v: %v", table, column, r.id, was, is, report.Faults)
			require.Empty(t, tr.verify(t).Faults)
		})
	})
}

// shorten lets retention remove all that is there.
func (tr *trail) shorten(t require.TestingT) {
	now := tr.chain.now
	tr.chain.now = func() time.Time { return now().Add(48 * time.Hour) }
	_, err := NewRetention(Config{Retention: 24 * time.Hour}, tr.chain).Tidy(context.Background())
	require.NoError(t, err)
	tr.chain.now = now
}

func TestWhatAnAttackerDoesToTheTrailIsNamed(t *testing.T) {
	t.Parallel()
	columnsOfEvents := "tenant_id, time, actor, permission, target, outcome, ip, request_id, reason, changes, mac"
	tests := map[string]struct {
		statements func(of string, ids []string) []string
		kinds      []Kind
		named      []int // the places of the events that must be named
		numbers    []int // of the checkpoints that must be named
	}{
		"an event is deleted": {
			statements: func(_ string, ids []string) []string {
				return []string{"DELETE FROM audit_events WHERE id = '" + ids[3] + "'"}
			},
			kinds: []Kind{Missing}, named: []int{4},
		},
		"a link is deleted": {
			statements: func(_ string, ids []string) []string {
				return []string{"DELETE FROM audit_links WHERE id = '" + ids[3] + "'"}
			},
			kinds: []Kind{Missing, Inserted}, named: []int{4},
		},
		"an event is deleted with its link": {
			statements: func(_ string, ids []string) []string {
				return []string{"DELETE FROM audit_events WHERE id = '" + ids[3] + "'", "DELETE FROM audit_links WHERE id = '" + ids[3] + "'"}
			},
			kinds: []Kind{Missing}, named: []int{4},
		},
		"the end is cut off behind a checkpoint that covers it": {
			statements: func(of string, ids []string) []string {
				return []string{
					"DELETE FROM audit_events WHERE id IN ('" + ids[10] + "', '" + ids[11] + "')",
					"DELETE FROM audit_links WHERE tenant_id = '" + of + "' AND seq > 10",
				}
			},
			kinds: []Kind{Missing}, named: []int{11, 12},
		},
		"the end is cut off with its checkpoint": {
			statements: func(of string, ids []string) []string {
				return []string{
					"DELETE FROM audit_events WHERE id IN ('" + ids[9] + "', '" + ids[10] + "', '" + ids[11] + "')",
					"DELETE FROM audit_links WHERE tenant_id = '" + of + "' AND seq > 9",
					"DELETE FROM audit_checkpoints WHERE tenant_id = '" + of + "' AND seq > 9",
				}
			},
			kinds: []Kind{Missing}, numbers: []int{4},
		},
		"the end is cut off with its checkpoint, and the head is set back": {
			statements: func(of string, ids []string) []string {
				return []string{
					"DELETE FROM audit_events WHERE id IN ('" + ids[9] + "', '" + ids[10] + "', '" + ids[11] + "')",
					"DELETE FROM audit_links WHERE tenant_id = '" + of + "' AND seq > 9",
					"DELETE FROM audit_checkpoints WHERE tenant_id = '" + of + "' AND seq > 9",
					"UPDATE audit_head SET number = 3",
				}
			},
			kinds: []Kind{Altered},
		},
		"all checkpoints are removed": {
			statements: func(string, []string) []string { return []string{"DELETE FROM audit_checkpoints"} },
			kinds:      []Kind{Unproven, Missing}, named: []int{1, 5, 12}, numbers: []int{1, 2, 3, 4},
		},
		"two events are swapped": {
			statements: func(_ string, ids []string) []string {
				return []string{
					"UPDATE audit_events SET id = '" + uuid.Nil.String() + "' WHERE id = '" + ids[2] + "'",
					"UPDATE audit_events SET id = '" + ids[2] + "' WHERE id = '" + ids[6] + "'",
					"UPDATE audit_events SET id = '" + ids[6] + "' WHERE id = '" + uuid.Nil.String() + "'",
				}
			},
			kinds: []Kind{Altered}, named: []int{3, 7},
		},
		"two links are swapped": {
			statements: func(_ string, ids []string) []string {
				return []string{
					"UPDATE audit_links SET seq = 99 WHERE id = '" + ids[2] + "'",
					"UPDATE audit_links SET seq = 3 WHERE id = '" + ids[6] + "'",
					"UPDATE audit_links SET seq = 7 WHERE id = '" + ids[2] + "'",
				}
			},
			kinds: []Kind{Reordered, Unproven}, named: []int{3, 7},
		},
		"an event is inserted past the triggers": {
			statements: func(_ string, ids []string) []string {
				return []string{"INSERT INTO audit_events (id, " + columnsOfEvents + ") SELECT '" + forged + "', " + columnsOfEvents + " FROM audit_events WHERE id = '" + ids[0] + "'"}
			},
			kinds: []Kind{Inserted},
		},
		"an event is inserted and queued": {
			statements: func(_ string, ids []string) []string {
				return []string{
					"INSERT INTO audit_events (id, " + columnsOfEvents + ") SELECT '" + forged + "', " + columnsOfEvents + " FROM audit_events WHERE id = '" + ids[0] + "'",
					"INSERT INTO audit_unsealed (id, refused) VALUES ('" + forged + "', false)",
				}
			},
			kinds: []Kind{Altered},
		},
		"an event is moved to another tenant": {
			statements: func(_ string, ids []string) []string {
				return []string{"UPDATE audit_events SET tenant_id = '" + forged + "' WHERE id = '" + ids[5] + "'"}
			},
			kinds: []Kind{Altered}, named: []int{6},
		},
		"the head is gone": {
			statements: func(string, []string) []string { return []string{"DELETE FROM audit_head"} },
			kinds:      []Kind{Altered},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEach(t, func(t *testing.T, tr *trail) {
				of := uuid.New()
				tr.fill(t, of, 12)
				ids := tr.column(t, "SELECT id FROM audit_links ORDER BY seq")
				tr.exec(t, test.statements(of.String(), ids)...)
				for range 2 { // and again after the platform has gone on
					report := tr.verify(t)
					require.NotEmpty(t, report.Faults)
					for _, f := range report.Faults {
						require.Contains(t, test.kinds, f.Kind, f)
					}
					for _, seq := range test.named {
						r := row{table: "audit_links", id: ids[seq-1], tenant: of.String(), seq: int64(seq)}
						require.True(t, r.named(report), "%d: %v", seq, report.Faults)
					}
					for _, n := range test.numbers {
						require.True(t, row{table: "audit_checkpoints", id: fmt.Sprint(n)}.named(report), "%d: %v", n, report.Faults)
					}
					if name == "the head is gone" || name == "the end is cut off with its checkpoint, and the head is set back" {
						break // nothing can be sealed any more, or the sealer would sign anew
					}
					tr.fill(t, uuid.New(), 3)
				}
			})
		})
	}
}

const forged = "0190a000-0000-7000-8000-000000000001"

// Somebody who may write everything but has no key writes the chain anew behind what they altered.
func TestAChainThatWasWrittenAnewIsNamed(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, tr *trail) {
		of := uuid.New()
		tr.fill(t, of, 9)
		ctx := context.Background()
		links, err := tr.chain.rows.links(ctx, of, 0, 100, 100)
		require.NoError(t, err)
		tr.exec(t, "UPDATE audit_events SET permission = 'blog.post.read' WHERE id = '"+links[4].row.id.String()+"'")
		events, _, err := tr.chain.rows.events(ctx, []uuid.UUID{links[4].row.id})
		require.NoError(t, err)
		links[4].row.digest = events[links[4].row.id].digest()
		tr.disarm(t)
		for i := 4; i < len(links); i++ {
			l := &links[i].row
			l.prev = links[i-1].row.hash
			l.hash = l.at(l.seq)
			tr.set(t, "audit_links", "digest", l.id.String(), l.digest)
			tr.set(t, "audit_links", "prev", l.id.String(), l.prev)
			tr.set(t, "audit_links", "hash", l.id.String(), l.hash)
		}
		report := tr.verify(t)
		require.True(t, row{table: "audit_events", id: links[4].row.id.String()}.named(report), report.Faults)
		kinds := map[int64]Kind{}
		for _, f := range report.Faults {
			kinds[f.Seq] = f.Kind
		}
		require.Equal(t, map[int64]Kind{4: Unproven, 5: Altered, 6: Unproven, 7: Altered, 8: Unproven, 9: Unproven}, kinds)
	})
}
