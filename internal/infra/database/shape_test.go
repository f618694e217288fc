package database

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestTheShapeOfAStatementHasNoValues(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"SELECT  a,\n\tb FROM t ":                             "SELECT a, b FROM t",
		"SELECT * FROM t1 WHERE a=$1 AND b = $12":             "SELECT * FROM t1 WHERE a=$1 AND b = $12",
		"SELECT `a` FROM \"the t\" WHERE \"x2\" = ? AND y=?2": "SELECT `a` FROM \"the t\" WHERE \"x2\" = ? AND y=?2",
		"WHERE a = :name AND b = @other2 AND c::int4 = 5":     "WHERE a = :name AND b = @other2 AND c::int4 = ?",
		"VALUES (1, -2.5, .5, 1e-9, 0xFF, 1_000)":             "VALUES (?, -?, ?, ?, ?, ?)",
		"a BETWEEN 1AND 2":                                    "a BETWEEN ? ?",
		"LIMIT 10":                                            "LIMIT ?",
		"name = 'secret'":                                     "name = ?",
		"name = 'it''s secret' OR 1":                          "name = ? OR ?",
		`name = E'it\'s secret' OR n`:                         "name = ? OR n",
		`name = e'a\\' OR n = 'secret'`:                       "name = ? OR n = ?",
		`E'\\xdeadbeef'::bytea`:                               "?::bytea",
		"x'00ff' || N'secret' || b'01'":                       "? || ? || ?",
		"U&'secret'":                                          "U&?",
		`'a\', 'secret'`:                                      "?",
		`'a\'' secret`:                                        "?",
		"'no end secret":                                      "?",
		"'a' 'b'\n'c'":                                        "? ? ?",
		"DO $$ secret 'x' $$ NOW":                             "DO ? NOW",
		"DO $a1$ $$ secret $$ $a1$ NOW":                       "DO ? NOW",
		"DO $a$ secret":                                       "DO ?",
		"a$b$c = $1$2":                                        "a$b$c = $1$2",
		"SELECT 1 -- secret 'it\nFROM t /* a /* secret */ ' */ WHERE n": "SELECT ? FROM t WHERE n",
		"/* secret":   "",
		"-- secret":   "",
		"a - -1":      "a - -?",
		"größe = 'ß'": "größe = ?",
		"":            "",
		"\"no end":    "\"no end",
		"a->>'secret' = ANY($1) AND b ? 'secret'": "a->>? = ANY($1) AND b ? ?",
	} {
		require.Equal(t, want, shape(query), "%s", query)
	}
}

func TestALongShapeIsCut(t *testing.T) {
	t.Parallel()
	for _, query := range []string{strings.Repeat("ä, ", 1000), strings.Repeat("ä", 1000), strings.Repeat("?,", 1_000_000), "\"" + strings.Repeat("€", 999)} {
		got := shape(query)
		require.LessOrEqual(t, len(got), maxShape+len("…"))
		require.True(t, utf8.ValidString(got))
		require.True(t, strings.HasSuffix(got, "…"))
	}
}

func FuzzTheShapeNeverHasTheText(f *testing.F) {
	for _, s := range []string{"it's", `a\`, `\'`, "''", "$$", "--", "/*", "\x00", "é", "'--"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		const marker = "hunter2"
		escaped := strings.ReplaceAll(text, "'", "''") + marker + strings.ReplaceAll(text, "'", "''")
		require.NotContains(t, shape("SELECT a FROM t WHERE b = '"+escaped+"' AND c = 'hunter2' OR d"), marker)
		require.NotContains(t, shape("SELECT"+quote(text+marker)+", "+Hex([]byte(text))+","+quote(marker)), marker)
	})
}
