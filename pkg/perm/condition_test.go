package perm_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/yourorg/platform/pkg/perm"
)

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestWhenAConditionHolds(t *testing.T) {
	t.Parallel()
	me, monday := uuid.New(), at("2026-03-02T09:00:00Z")
	mine := map[string]string{"owner": me.String(), "status": "draft"}
	for name, tt := range map[string]struct {
		when       string
		attributes map[string]string
		now        time.Time
		want       bool
	}{
		"nothing is asked for":             {"", nil, monday, true},
		"my own":                           {"own", mine, monday, true},
		"somebody else's":                  {"own", map[string]string{"owner": uuid.NewString()}, monday, false},
		"nobody's":                         {"own", map[string]string{}, monday, false},
		"no resource":                      {"own", nil, monday, false},
		"an attribute":                     {"status=draft", mine, monday, true},
		"an attribute of another value":    {"status=Draft", mine, monday, false},
		"an attribute that is not known":   {"color=red", mine, monday, false},
		"all clauses":                      {"own and status=draft and days=mon", mine, monday, true},
		"all clauses but one":              {"own and status=draft and days=tue", mine, monday, false},
		"at the beginning":                 {"from=2026-03-02T09:00:00Z", nil, monday, true},
		"before the beginning":             {"from=2026-03-02T09:00:01Z", nil, monday, false},
		"before the end":                   {"until=2026-03-02T09:00:01Z", nil, monday, true},
		"at the end":                       {"until=2026-03-02T09:00:00Z", nil, monday, false},
		"another zone":                     {"from=2026-03-02T11:00:00+02:00", nil, monday, true},
		"a day":                            {"days=mon", nil, monday, true},
		"the last day of a range":          {"days=sat-mon", nil, monday, true},
		"outside a range that goes round":  {"days=sat-sun", nil, monday, false},
		"the days are those of UTC":        {"days=mon", nil, monday.In(time.FixedZone("", 20*3600)), true},
		"the first hour":                   {"hours=09:00-17:00", nil, monday, true},
		"the last hour":                    {"hours=08:00-09:00", nil, monday, false},
		"the night":                        {"hours=22:00-09:01", nil, monday, true},
		"outside the night":                {"hours=22:00-09:00", nil, monday, false},
		"a moment before the night begins": {"hours=22:00-06:00", nil, at("2026-03-02T21:59:59Z"), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := perm.ParseCondition(tt.when)
			require.NoError(t, err)
			facts := perm.Facts{Caller: me, Now: tt.now, Attributes: tt.attributes}
			require.Equal(t, tt.want, c.Holds(facts))
			require.Equal(t, tt.want, len(c.Failed(facts)) == 0)
		})
	}
	own, err := perm.ParseCondition("own")
	require.NoError(t, err)
	require.False(t, own.Holds(perm.Facts{Attributes: map[string]string{"owner": uuid.Nil.String()}}), "nobody owns nothing")
}

func TestWhatIsNoCondition(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		" ", "mine", "own=", "own and", "own,status=draft", "own or status=draft", "own and own", "status=", "=draft", "Status=draft",
		"status=a b", "status=a,b", `status="a"`, "status=a#b", "status=a and status=b", "and=x", "own=x", "from=tomorrow",
		"from=2026-03-02T09:00:00.5Z", "from=2026-03-02", "until=2026-03-02T09:00:00Z and from=2026-03-02T09:00:00Z", "days=", "days=monday",
		"days=mon-", "hours=9-17", "hours=09:00", "hours=09:00-09:00", "hours=09:00-24:00", "hours=9:00-17:00",
		strings.Repeat("a", 64) + "=b", "a=" + strings.Repeat("b", 101), "own and " + strings.Repeat("x", perm.MaxCondition),
	} {
		c, err := perm.ParseCondition(text)
		require.Error(t, err, "%q", text)
		require.True(t, c.IsZero() || len(text) > 0)
	}
}

func TestAConditionHasOneSpelling(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"own":                            "own",
		"status=draft and own":           "own and status=draft",
		"own and  days=mon-fri":          "days=mon-fri and own",
		"from=2026-03-02T11:00:00+02:00": "from=2026-03-02T09:00:00Z",
		" status = draft and hours = 01:00-02:00": "hours=01:00-02:00 and status=draft",
	} {
		c, err := perm.ParseCondition(text)
		require.NoError(t, err, text)
		require.Equal(t, want, c.String())
		again, err := perm.ParseCondition(want)
		require.NoError(t, err)
		require.Equal(t, c, again)
	}
}

var clauses = []string{
	"own", "status=draft", "color=red", "from=2026-01-01T00:00:00Z", "until=2026-06-01T00:00:00Z", "days=mon-fri", "hours=22:00-06:00",
}

func TestMoreClausesNeverAllowMore(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfNDistinct(rapid.SampledFrom(clauses), 1, len(clauses), rapid.ID).Draw(t, "clauses")
		narrow, err := perm.ParseCondition(strings.Join(all, " and "))
		require.NoError(t, err)
		wide, err := perm.ParseCondition(strings.Join(all[:rapid.IntRange(0, len(all)).Draw(t, "kept")], " and "))
		require.NoError(t, err)
		require.True(t, narrow.Implies(wide))
		require.Equal(t, narrow.String() == wide.String(), wide.Implies(narrow))
		me := uuid.New()
		facts := perm.Facts{
			Caller: me, Now: time.Unix(rapid.Int64Range(1767225600, 1798761600).Draw(t, "now"), 0),
			Attributes: map[string]string{
				"owner":  rapid.SampledFrom([]string{me.String(), uuid.NewString()}).Draw(t, "owner"),
				"status": rapid.SampledFrom([]string{"draft", "published"}).Draw(t, "status"),
				"color":  rapid.SampledFrom([]string{"red", "blue"}).Draw(t, "color"),
			},
		}
		if narrow.Holds(facts) {
			require.True(t, wide.Holds(facts))
		}
		if wide.Holds(facts) {
			require.True(t, wide.HoldsForSome(facts), "what holds for this resource can hold for some")
		}
		if len(wide.Attributes()) == 0 {
			require.Equal(t, wide.Holds(facts), wide.HoldsForSome(facts))
		}
	})
}

func FuzzParseCondition(f *testing.F) {
	for _, text := range append(clauses, "own and status=draft", "a=b and own ", "from=2026-01-01T00:00:00+02:00 and days=sun") {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := perm.ParseCondition(text)
		if err != nil {
			return
		}
		again, err := perm.ParseCondition(c.String())
		require.NoError(t, err)
		require.Equal(t, c.String(), again.String())
		require.NotContains(t, c.String(), ",", "casbin's files are separated by commas")
		require.NotContains(t, c.String(), "\n")
		require.LessOrEqual(t, len(c.String()), perm.MaxCondition+20)
	})
}
