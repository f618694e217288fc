package page_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/yourorg/platform/pkg/page"
	"github.com/yourorg/platform/pkg/problem"
)

func TestACursorNamesItsRow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		id := uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		if id == uuid.Nil {
			t.Skip("no row has the zero id")
		}
		cursor := page.Encode(id)
		require.Regexp(t, `^[A-Za-z0-9_-]{23}$`, cursor)
		decoded, err := page.Decode(cursor)
		require.NoError(t, err)
		require.Equal(t, id, decoded)
	})
}

func TestDecodeRefusesWhatEncodeDidNotMake(t *testing.T) {
	t.Parallel()
	valid := page.Encode(uuid.MustParse("01890a5d-ac96-774b-bcce-b302099a8057"))
	tests := map[string]string{
		"an empty cursor":           "",
		"an id":                     "01890a5d-ac96-774b-bcce-b302099a8057",
		"padding":                   valid + "=",
		"a line break":              valid + "\n",
		"a line break for a letter": valid[:22] + "\n",
		"a character too few":       valid[:22],
		"a character too many":      valid + "A",
		"another alphabet":          "+/" + valid[2:],
		"a padding bit that is set": valid[:22] + string(valid[22]+1),
		"another version":           "Ag" + valid[2:],
		"the zero id":               page.Encode(uuid.Nil),
		"a NUL byte":                "\x00" + valid[1:],
	}
	for name, cursor := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := page.Decode(cursor)
			require.ErrorIs(t, err, page.ErrCursor)
			require.Equal(t, problem.Malformed, problem.From(err).Kind)
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("")
	f.Add("====")
	f.Add(page.Encode(uuid.MustParse("01890a5d-ac96-774b-bcce-b302099a8057")))
	f.Fuzz(func(t *testing.T, cursor string) {
		id, err := page.Decode(cursor)
		if err != nil {
			require.ErrorIs(t, err, page.ErrCursor)
			require.Zero(t, id)
			return
		}
		require.Equal(t, cursor, page.Encode(id), "a row has one cursor only")
	})
}

func TestAfterWithoutACursorIsTheFirstPage(t *testing.T) {
	t.Parallel()
	id, err := page.After(nil)
	require.NoError(t, err)
	require.Zero(t, id)

	empty := ""
	_, err = page.After(&empty)
	require.ErrorIs(t, err, page.ErrCursor)
}

func TestSize(t *testing.T) {
	t.Parallel()
	require.Equal(t, 50, page.Size(nil))
	for limit, want := range map[int]int{-1: 1, 0: 1, 1: 1, 7: 7, 200: 200, 201: 200} {
		require.Equal(t, want, page.Size(&limit))
	}
}

func TestPagesTogetherAreTheWholeList(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := make([]uuid.UUID, rapid.IntRange(0, 30).Draw(t, "rows"))
		for i := range all {
			all[i] = uuid.Must(uuid.NewV7())
		}
		limit := rapid.IntRange(1, 12).Draw(t, "limit")

		got, from := []uuid.UUID{}, 0
		for {
			rows := all[from:min(from+limit+1, len(all))]
			items, next := page.Cut(rows, limit, func(id uuid.UUID) uuid.UUID { return id })
			require.NotNil(t, items)
			require.LessOrEqual(t, len(items), limit)
			got = append(got, items...)
			if next == nil {
				break
			}
			last, err := page.Decode(*next)
			require.NoError(t, err)
			from = slices.Index(all, last) + 1
		}
		require.Equal(t, all, got)
	})
}
