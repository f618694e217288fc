package httpserver

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// What parse lets through can be stored anywhere, and is what the client sent.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"title":"x"}`, `[1,2.5,1e400]`, `"a\u0000b"`, `"\ud800"`, "\"\xff\"", `{"a":{"a":{"a":[[[]]]}}}`, `null`, ``, ` `, `{"a":1}{}`, `{"a":1,"a":2}`,
		strings.Repeat("[", 70) + strings.Repeat("]", 70), strings.Repeat("[", 20_000),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		value, err := parse(raw)
		if err != nil {
			return
		}
		require.True(t, utf8.Valid(raw))
		encoded, err := json.Marshal(value)
		require.NoError(t, err)
		require.NotContains(t, string(encoded), `\u0000`)
		again, err := parse(encoded)
		require.NoError(t, err)
		require.Equal(t, value, again)
	})
}

func FuzzRequestID(f *testing.F) {
	for _, seed := range []string{"", "a", "a b", "a\n", strings.Repeat("x", 129)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sent string) {
		id := requestID(map[string][]string{"X-Request-Id": {sent}})
		require.Regexp(t, `^[A-Za-z0-9._-]{1,128}\z`, id)
	})
}
