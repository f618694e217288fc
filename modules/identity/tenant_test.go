package identity

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/yourorg/platform/modules/identity/identityapi"
)

func TestEveryNameHasASlugThatIsNoID(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(
			rapid.String(),
			rapid.StringMatching(`[0-9a-fA-F]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`),
			rapid.StringMatching(`[0-9a-f]{32}`),
		).Draw(t, "name")
		base := slugify(name)
		require.Equal(t, base, slugify(base), "a slug is its own slug")
		seen := map[string]bool{}
		for slug := range slugs(base) {
			require.Regexp(t, `^[a-z0-9]+(-[a-z0-9]+)*$`, slug)
			require.LessOrEqual(t, len(slug), 63, "a label of a host name")
			_, err := uuid.Parse(slug)
			require.Error(t, err)
			require.False(t, seen[slug])
			seen[slug] = true
		}
	})
}

func TestSlugs(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ name, slug string }{
		"words are joined with dashes":    {"Acme, Inc. (Berlin)", "acme-inc-berlin"},
		"accents are folded":              {"Žluťoučký Kůň", "zlutoucky-kun"},
		"compatibility forms are folded":  {"Ａｃｍｅ ②", "acme-2"},
		"another script becomes tenant":   {"日本", "tenant"},
		"an id gets a prefix":             {"01890a5d-ac96-774b-bcce-b302099a8057", "tenant-01890a5d-ac96-774b-bcce-b302099a8057"},
		"a long name is cut":              {strings.Repeat("a", 200), strings.Repeat("a", 50)},
		"a cut leaves no dash at the end": {strings.Repeat("a", 49) + " b", strings.Repeat("a", 49)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.slug, slugify(test.name))
		})
	}
}

func TestSlugsToTryStartWithTheBaseAndCountOn(t *testing.T) {
	t.Parallel()
	all := slices.Collect(slugs("acme"))
	require.Equal(t, []string{"acme", "acme-2", "acme-3"}, all[:3])
	require.Regexp(t, `^acme-[a-z2-7]{8}$`, all[len(all)-1])
}

func TestChoosingTheTenantToSignInTo(t *testing.T) {
	t.Parallel()
	at := time.Now()
	old := Tenant{ID: uuid.New(), Slug: "old"}
	young := Tenant{ID: uuid.New(), Slug: "young"}
	closed := Tenant{ID: uuid.New(), Slug: "closed", SuspendedAt: &at}
	tests := map[string]struct {
		memberships []Tenant
		wish        string
		want        Tenant
		err         error
	}{
		"the oldest membership counts without a wish":  {[]Tenant{old, young}, "", old, nil},
		"a suspended tenant is passed over":            {[]Tenant{closed, young}, "", young, nil},
		"a suspended tenant is named when it is alone": {[]Tenant{closed}, "", closed, identityapi.ErrTenantSuspended},
		"a tenant is named by slug":                    {[]Tenant{old, young}, "young", young, nil},
		"case and space of the slug do not count":      {[]Tenant{old, young}, " Young ", young, nil},
		"a tenant is named by id":                      {[]Tenant{old, young}, young.ID.String(), young, nil},
		"a suspended tenant that is named is refused":  {[]Tenant{old, closed}, "closed", closed, identityapi.ErrTenantSuspended},
		"another tenant is refused":                    {[]Tenant{old, young}, "other", Tenant{}, identityapi.ErrNotAMember},
		"another id is refused":                        {[]Tenant{old}, uuid.NewString(), Tenant{}, identityapi.ErrNotAMember},
		"the zero id names nothing":                    {[]Tenant{old}, uuid.Nil.String(), Tenant{}, identityapi.ErrNotAMember},
		"nobody without a membership gets in":          {nil, "", Tenant{}, identityapi.ErrNotAMember},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := choose(test.memberships, test.wish)
			require.ErrorIs(t, err, test.err)
			require.Equal(t, test.want, got)
		})
	}
}
