package audit

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/csv"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/logger"
	"github.com/yourorg/platform/pkg/tenant"
)

func verifyExport(t require.TestingT, content []byte, trusted ...ed25519.PublicKey) *Report {
	report, err := VerifyExport(bytes.NewReader(content), trusted...)
	require.NoError(t, err)
	return report
}

func TestAnExportProvesItself(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, tr *trail) {
		of := uuid.New()
		tr.fill(t, of, 7)
		tr.fill(t, uuid.New(), 4)
		require.NoError(t, tr.Record(tenant.NewContext(t.Context(), of), audit.Entry{Action: "blog.post.create"})) // not sealed yet
		report := verifyExport(t, tr.export(t, of))
		require.Empty(t, report.Faults)
		require.Equal(t, 8, report.Events)
		require.Equal(t, 4, report.Checkpoints)
		require.Equal(t, tr.verify(t).Keys, report.Keys)

		require.Empty(t, verifyExport(t, tr.export(t, uuid.New())).Faults, "nothing is something that can be proven too")
		require.Empty(t, verifyExport(t, tr.export(t, of), report.Keys[0].Key).Faults)
		stranger, _, err := ed25519.GenerateKey(nil)
		require.NoError(t, err)
		require.NotEmpty(t, verifyExport(t, tr.export(t, of), stranger).Faults)
	})
}

func TestAnExportOfALongTrailIsReadInPages(t *testing.T) {
	t.Parallel()
	tr, of := newTrail(openSQLite(t)), uuid.New()
	ctx := tenant.NewContext(t.Context(), of)
	require.NoError(t, tr.d.InTx(ctx, func(ctx context.Context) error {
		for range 2*pageSize + 10 {
			if err := tr.Record(ctx, audit.Entry{Action: "blog.post.create"}); err != nil {
				return err
			}
		}
		return nil
	}))
	report := verifyExport(t, tr.export(t, of))
	require.Empty(t, report.Faults)
	require.Equal(t, 2*pageSize+10, report.Events)
	require.Equal(t, 5, report.Checkpoints)
	require.Empty(t, tr.verify(t).Faults)
}

func TestEveryByteOfAnExportCounts(t *testing.T) {
	t.Parallel()
	tr, of := newTrail(openSQLite(t)), uuid.New()
	tr.fill(t, of, 4)
	tr.shorten(t)
	tr.fill(t, of, 8)
	ctx := logger.NewContext(tenant.NewContext(t.Context(), of), &logger.Request{ID: "r", IP: "192.0.2.1"})
	require.NoError(t, tr.d.InTx(ctx, func(ctx context.Context) error {
		audit.Track(ctx, audit.Change{Entity: "blog.post", ID: "1", Action: audit.Created, Fields: map[string]audit.Field{
			"title": {Before: json.RawMessage("null"), After: json.RawMessage(`"<ä>"`)},
		}})
		return tr.Record(ctx, audit.Entry{Action: "blog.post.create"})
	}))
	content := tr.export(t, of)
	require.Empty(t, verifyExport(t, content).Faults)
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(0, len(content)-1).Draw(t, "byte")
		changed := slices.Clone(content)
		changed[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		report := verifyExport(t, changed)
		line := bytes.Count(content[:at], []byte("\n")) + 1
		lines := bytes.Split(content, []byte("\n"))
		if !bytes.HasPrefix(lines[line-1], []byte(`{"type":"event"`)) || content[at] == '\n' || changed[at] == '\n' {
			require.NotEmpty(t, report.Faults)
			return
		}
		var event eventLine
		require.NoError(t, json.Unmarshal(lines[line-1], &event))
		require.True(t, slices.ContainsFunc(report.Faults, func(f Fault) bool { return f.Line == line || f.Seq == event.Seq }),
			"line %d: %v", line, report.Faults)
	})
}

func TestWhatAnAttackerDoesToAnExportIsNamed(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		attack func(lines [][]byte) [][]byte
		want   []string // how a fault begins
	}{
		"a line is removed": {
			func(l [][]byte) [][]byte { return slices.Delete(l, 2, 3) }, []string{"missing: event 2 "},
		},
		"two lines are swapped": {
			func(l [][]byte) [][]byte { l[1], l[2] = l[2], l[1]; return l }, []string{"reordered: event 1 "},
		},
		"a line comes twice": {
			func(l [][]byte) [][]byte { return slices.Insert(l, 3, l[2]) }, []string{"reordered: event 2 "},
		},
		"the end is cut off": {
			func(l [][]byte) [][]byte { return l[:5] }, []string{"missing: end"},
		},
		"the end is cut off and the last line is put back": {
			func(l [][]byte) [][]byte { return slices.Delete(l, 5, len(l)-1) }, []string{"missing: event 4 ", "missing: event 5 ", "altered: export"},
		},
		"something is added behind the end": {
			func(l [][]byte) [][]byte { return append(l, l[2]) }, []string{"inserted: line"},
		},
		"the checkpoints are removed": {
			func(l [][]byte) [][]byte {
				return slices.DeleteFunc(l, func(line []byte) bool { return bytes.Contains(line, []byte("checkpoint")) })
			},
			[]string{"unproven: event 1 ", "unproven: event 2 ", "unproven: event 3 ", "unproven: event 4 ", "unproven: event 5 "},
		},
		"nothing is left": {func([][]byte) [][]byte { return nil }, []string{"missing: header"}},
		"a name is written in capitals": {
			func(l [][]byte) [][]byte { l[1] = bytes.Replace(l[1], []byte(`"ip"`), []byte(`"IP"`), 1); return l }, []string{"altered: event 1 "},
		},
		"a name comes twice": {
			func(l [][]byte) [][]byte {
				l[1] = bytes.Replace(l[1], []byte(`"ip"`), []byte(`"outcome":"succeeded","ip"`), 1)
				return l
			},
			[]string{"altered: event 1 "},
		},
	}
	tr, of := newTrail(openSQLite(t)), uuid.New()
	tr.fill(t, of, 5)
	content := tr.export(t, of)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines := bytes.SplitAfter(bytes.TrimSuffix(content, []byte("\n")), []byte("\n"))
			lines[len(lines)-1] = append(slices.Clone(lines[len(lines)-1]), '\n')
			report := verifyExport(t, bytes.Join(test.attack(lines), nil))
			for _, want := range test.want {
				require.True(t, slices.ContainsFunc(report.Faults, func(f Fault) bool { return strings.HasPrefix(f.String(), want) }),
					"%s: %v", want, report.Faults)
			}
		})
	}
}

// An export with a chain, checkpoints and an end of its own, signed with a key of its own.
func TestAnInventedExportNeedsATrustedKey(t *testing.T) {
	t.Parallel()
	ours, theirs, of := newTrail(openSQLite(t)), newTrail(openSQLite(t)), uuid.New()
	ours.fill(t, of, 2)
	theirs.fill(t, of, 2)
	trusted := ours.verify(t).Keys[0].Key
	require.Empty(t, verifyExport(t, ours.export(t, of), trusted).Faults)
	report := verifyExport(t, theirs.export(t, of), trusted)
	require.NotEmpty(t, report.Faults)
	require.Empty(t, report.Keys)
}

func TestAnExportThatFailsHasNoEnd(t *testing.T) {
	t.Parallel()
	tr, of := newTrail(openSQLite(t)), uuid.New()
	tr.fill(t, of, 3)
	full := errors.New("full")
	require.ErrorIs(t, tr.exporter.ExportTenant(t.Context(), of, audit.NDJSON, broken{full}), full)
	require.ErrorIs(t, tr.exporter.Export(t.Context(), audit.NDJSON, nil), tenant.ErrMissing)
	require.ErrorContains(t, tr.exporter.ExportTenant(t.Context(), of, "xlsx", nil), "xlsx")
}

type broken struct{ err error }

func (b broken) Write([]byte) (int, error) { return 0, b.err }

func TestALineThatNoExportHasIsRefused(t *testing.T) {
	t.Parallel()
	_, err := VerifyExport(strings.NewReader(strings.Repeat("x", maxLine+1)))
	require.ErrorContains(t, err, "line 1 is longer")
}

func TestATableHasNoFormulas(t *testing.T) {
	t.Parallel()
	tr, of := newTrail(openSQLite(t)), uuid.New()
	targets := []string{"=1+1", "@SUM(A1)", " =cmd|' /C calc'!A0", "+1", "-1", "a,\"b\"", "'x", "＝1", "blog.post:1"}
	for _, target := range targets {
		require.NoError(t, tr.Record(tenant.NewContext(t.Context(), of), audit.Entry{Action: "blog.post.create", Target: target}))
	}
	var b bytes.Buffer
	require.NoError(t, tr.exporter.ExportTenant(t.Context(), of, audit.CSV, &b))
	require.Equal(t, strings.Count(b.String(), "\n"), strings.Count(b.String(), "\r\n"))
	table, err := csv.NewReader(&b).ReadAll()
	require.NoError(t, err)
	require.Equal(t, "seq,id,time,actor,permission,target,outcome,ip,request_id,reason,changes,hash", strings.Join(table[0], ","))
	var got []string
	for _, row := range table[1:] {
		got = append(got, row[5])
	}
	require.Equal(t, []string{"'=1+1", "'@SUM(A1)", "' =cmd|' /C calc'!A0", "'+1", "'-1", "a,\"b\"", "''x", "'＝1", "blog.post:1"}, got)
}

func FuzzVerifyExport(f *testing.F) {
	f.Add([]byte("{\"type\":\"header\"}\n{\"type\":\"event\",\"seq\":9}\n{\"type\":\"checkpoint\",\"seq\":3}\n{\"type\":\"end\",\"seq\":900}\n"))
	f.Add([]byte("\n\n{\"type\":\"event\"}"))
	f.Fuzz(func(t *testing.T, content []byte) {
		report, err := VerifyExport(bytes.NewReader(content))
		if err == nil {
			require.NotEmpty(t, report.Faults, "only a platform can make an export")
		}
	})
}

func TestNoCellIsAFormula(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[ \t]{0,3}[=+@|%a'-]?.{0,5}`).Draw(t, "text")
		cell := harmless(text)
		require.NotRegexp(t, `^\s*[=+@|%-]`, cell)
		require.Equal(t, text, strings.TrimPrefix(cell, cell[:len(cell)-len(text)]), "nothing is lost")
	})
}
