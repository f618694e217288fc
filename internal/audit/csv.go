package audit

import (
	"encoding/csv"
	"encoding/hex"
	"io"
	"strconv"
	"strings"
	"time"
)

// table writes CSV (RFC 4180): for people and spreadsheets. It leaves out what only a verification needs.
type table struct{ w *csv.Writer }

func newCSV(w io.Writer) *table {
	c := csv.NewWriter(w)
	c.UseCRLF = true
	return &table{c}
}

func (t *table) begin(headerLine) error {
	return t.w.Write([]string{"seq", "id", "time", "actor", "permission", "target", "outcome", "ip", "request_id", "reason", "changes", "hash"})
}

func (t *table) event(l link, e *record) error {
	actor := ""
	if e.actor != nil {
		actor = e.actor.String()
	}
	row := []string{
		strconv.FormatInt(l.seq, 10), e.id.String(), e.time.Format(time.RFC3339Nano), actor, e.permission, e.target, e.outcome,
		e.ip, e.requestID, e.reason, e.changes, hex.EncodeToString(l.hash),
	}
	for i := range row {
		row[i] = harmless(row[i])
	}
	return t.w.Write(row)
}

func (*table) checkpoint(statement) error { return nil }

func (t *table) end(int64, *key) error { t.w.Flush(); return t.w.Error() }

// harmless keeps spreadsheets from taking a text for a formula: the apostrophe makes it a text. Blanks before the sign do
// not help, because spreadsheets skip them.
func harmless(cell string) string {
	if trimmed := strings.TrimLeft(cell, " \t\r\n\u00a0\ufeff"); trimmed != "" && strings.ContainsRune("=+-@＝＋－＠|%", []rune(trimmed)[0]) {
		return "'" + cell
	}
	if cell != "" && strings.ContainsRune("\t\r\n'", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
