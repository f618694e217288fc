package tenant

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/yourorg/platform/pkg/tenant"
)

// book is a directory of tenants that counts what it is asked.
type book struct {
	mu     sync.Mutex
	ids    map[string]tenant.ID
	err    error
	during func() // called while a look-up is under way, with its answer found
	asked  int
}

func (b *book) BySlug(_ context.Context, slug string) (tenant.ID, error) {
	b.mu.Lock()
	b.asked++
	id, err, during := b.ids[slug], b.err, b.during
	b.mu.Unlock()
	if during != nil {
		during()
	}
	return id, err
}

// wire is a feed of one process.
type wire struct {
	stale    bool
	handlers []func(string)
	heard    []string
}

func (w *wire) Announce(_ context.Context, topic, key string) error {
	w.heard = append(w.heard, topic+" "+key)
	for _, fn := range w.handlers {
		fn(key)
	}
	return nil
}
func (w *wire) Subscribe(_ string, fn func(string)) { w.handlers = append(w.handlers, fn) }
func (w *wire) Fresh() bool                         { return !w.stale }

type hosts struct {
	*Subdomain
	book *book
	wire *wire
	acme tenant.ID
}

func newHosts(base string) *hosts {
	h := &hosts{acme: uuid.New(), wire: &wire{}}
	h.book = &book{ids: map[string]tenant.ID{"acme": h.acme}}
	cfg := DefaultConfig()
	cfg.BaseDomain = base
	h.Subdomain = NewSubdomain(cfg, h.book, h.wire)
	return h
}

func (h *hosts) resolve(host string) (tenant.ID, bool, error) {
	r := httptest.NewRequest("GET", "/", nil)
	r.Host = host
	return h.Resolve(r)
}

func TestAHostBelowTheBaseDomainNamesItsTenant(t *testing.T) {
	t.Parallel()
	h := newHosts("example.com")
	for name, host := range map[string]string{
		"as it is":                  "acme.example.com",
		"with a port":               "acme.example.com:8443",
		"in capitals":               "ACME.Example.COM",
		"fully qualified":           "acme.example.com.",
		"all of it":                 "Acme.EXAMPLE.com.:80",
		"with a port that is none":  "acme.example.com:http:80",
		"with an empty port":        "acme.example.com:",
		"with a port full of dots":  "acme.example.com:a.b",
		"with a port below another": "acme.example.com:80.other.example.org",
	} {
		id, named, err := h.resolve(host)
		require.NoError(t, err, name)
		require.True(t, named, name)
		require.Equal(t, h.acme, id, name)
	}
}

func TestAHostElsewhereNamesNoTenant(t *testing.T) {
	t.Parallel()
	h := newHosts("example.com")
	for _, host := range []string{
		"", ".", ":", ":80", "example.com", "example.com.", "EXAMPLE.COM:443", "localhost:8080", "127.0.0.1", "[::1]:8080", "[acme.example.com]",
		"acme.example.org", "acme.example.com.evil.org", "acmeexample.com", "notexample.com", "acme.example.com..", "com",
		"acme.e\u212aample.com", "acme.example.co\u043c", "acme.example。com", "acme@evil.org", "acme.example.com/x", "acme.example.com%2e",
		"www.example.com", "API.example.com", "app.example.com:8080", "::acme.example.com", "x:acme.example.com",
	} {
		_, named, err := h.resolve(host)
		require.NoError(t, err, "%q", host)
		require.False(t, named, "%q", host)
	}
	require.Zero(t, h.book.asked)

	off := newHosts("")
	_, named, err := off.resolve("acme.example.com")
	require.NoError(t, err)
	require.False(t, named, "without a base domain")
}

func TestAHostBelowTheBaseDomainThatIsNoTenantsAgreesWithNothing(t *testing.T) {
	t.Parallel()
	h := newHosts("example.com")
	asked := 0
	for name, host := range map[string]string{
		"a nested one":                    "acme.acme.example.com",
		"a nested reserved one":           "www.acme.example.com",
		"below a reserved one":            "acme.www.example.com",
		"nothing before the dot":          ".example.com",
		"two dots":                        "acme..example.com",
		"another script":                  "аcme.example.com",
		"a letter that folds to ASCII":    "ac\u212ae.example.com",
		"another script in its ASCII":     "xn--cme-7cd.example.com",
		"an underscore":                   "ac_me.example.com",
		"a dash at the end":               "acme-.example.com",
		"a dash at the beginning":         "-acme.example.com",
		"a space":                         " acme.example.com",
		"a NUL byte":                      "acme\x00.example.com",
		"invalid UTF-8":                   "acme\xff.example.com",
		"a user before it":                "acme@evil.example.com",
		"a path before it":                "evil/acme.example.com",
		"an escape":                       "acme%2eexample.example.com",
		"longer than a label can be":      strings.Repeat("a", 64) + ".example.com",
		"longer than a domain can be":     strings.Repeat("a", 70_000) + ".example.com",
		"full of labels":                  strings.Repeat("a.", 200) + "example.com",
		"a line break":                    "acme\n.example.com",
		"the base domain once more":       "example.com.example.com",
		"somebody else's domain below it": "acme.example.org.example.com",
	} {
		_, named, err := h.resolve(host)
		require.ErrorIs(t, err, ErrMismatch, name)
		require.False(t, named, name)
		require.Equal(t, asked, h.book.asked, "%s needs no look-up", name)
	}
	_, _, err := h.resolve("nobody.example.com")
	require.ErrorIs(t, err, ErrMismatch, "a slug that nobody has is answered like the others")
}

func TestSlugsAreLookedUpOnceUntilTheyChange(t *testing.T) {
	t.Parallel()
	h := newHosts("example.com")
	other := uuid.New()
	for range 3 {
		id, _, err := h.resolve("acme.example.com")
		require.NoError(t, err)
		require.Equal(t, h.acme, id)
		_, _, err = h.resolve("new.example.com")
		require.ErrorIs(t, err, ErrMismatch)
	}
	require.Equal(t, 2, h.book.asked, "what is not there is remembered too")

	h.book.ids["new"] = other
	require.NoError(t, NewAnnouncements(h.wire).SlugChanged(t.Context(), "new"))
	require.Equal(t, []string{"tenant.slug new"}, h.wire.heard)
	id, _, err := h.resolve("new.example.com")
	require.NoError(t, err)
	require.Equal(t, other, id)
	_, _, err = h.resolve("acme.example.com")
	require.NoError(t, err)
	require.Equal(t, 3, h.book.asked, "the others stay known")

	delete(h.book.ids, "acme")
	h.known.forget("")
	_, _, err = h.resolve("acme.example.com")
	require.ErrorIs(t, err, ErrMismatch, "when changes may have been missed, nothing is known")
}

func TestAnAnswerThatMayBeOldIsNotKept(t *testing.T) {
	t.Parallel()
	h := newHosts("example.com")
	h.book.during = func() { h.known.forget("acme") } // it changes after it was read, before it is kept
	id, _, err := h.resolve("acme.example.com")
	require.NoError(t, err)
	require.Equal(t, h.acme, id)
	h.book.during = nil
	h.book.ids["acme"] = uuid.New()
	id, _, err = h.resolve("acme.example.com")
	require.NoError(t, err)
	require.Equal(t, h.book.ids["acme"], id)
}

func TestWhileTheFeedIsStaleTheDirectoryIsAsked(t *testing.T) {
	t.Parallel()
	h := newHosts("example.com")
	h.wire.stale = true
	for range 3 {
		_, _, err := h.resolve("acme.example.com")
		require.NoError(t, err)
	}
	require.Equal(t, 3, h.book.asked)
	h.book.err = errors.New("the database is away")
	_, named, err := h.resolve("acme.example.com")
	require.ErrorIs(t, err, h.book.err)
	require.False(t, named)
}

func TestOnlySoManySlugsAreRemembered(t *testing.T) {
	t.Parallel()
	var known slugs
	for i := range maxSlugs + 10 {
		known.put(strings.Repeat("a", 1+i%60)+"-"+uuid.NewString(), uuid.Nil, 0)
	}
	require.Len(t, known.ids, maxSlugs)
	id := uuid.New()
	for some := range known.ids {
		known.put(some, id, 0)
		got, ok, _ := known.get(some)
		require.True(t, ok)
		require.Equal(t, id, got, "a known one needs no room")
		break
	}
	require.Len(t, known.ids, maxSlugs)
}

func TestNoHostNamesAnotherTenantThanItsFirstLabel(t *testing.T) {
	t.Parallel()
	h := newHosts("example.com")
	rapid.Check(t, func(t *rapid.T) {
		host := rapid.OneOf(rapid.String(), rapid.StringMatching(`[aA]?[cC]?me\.?(example|EXAMPLE)?\.(com|org)\.?(:\d{0,5})?`)).Draw(t, "host")
		id, named, err := h.resolve(host)
		if named {
			require.NoError(t, err)
			require.Equal(t, h.acme, id)
			require.True(t, strings.HasPrefix(strings.ToLower(host), "acme.example.com"), "%q", host)
		}
	})
}

func FuzzHost(f *testing.F) {
	for _, seed := range []string{"acme.example.com", "ACME.example.com.:80", "a.b.example.com", "[::1]:80", "\xff.example.com", ".example.com"} {
		f.Add(seed)
	}
	h := newHosts("example.com")
	f.Fuzz(func(t *testing.T, host string) {
		name, below := h.below(host)
		if !below {
			require.Empty(t, name)
			return
		}
		require.LessOrEqual(t, len(name), maxLabel)
		require.NotContains(t, name, ":")
		require.Contains(t, lower(host), ".example.com")
	})
}

func TestSettingsThatCannotWorkAreNamed(t *testing.T) {
	t.Parallel()
	require.NoError(t, DefaultConfig().Validate())
	for _, good := range []string{"example.com", "localhost", "tenants.example.co.uk", "xn--bcher-kva.example"} {
		require.NoError(t, Config{BaseDomain: good}.Validate(), good)
	}
	for _, bad := range []string{
		".example.com", "example.com.", "Example.com", "example.com:80", "https://example.com", "*.example.com", "exa mple.com", "bücher.example",
		"-a.com", "a..com", strings.Repeat("a.", 130) + "com",
	} {
		require.ErrorContains(t, Config{BaseDomain: bad}.Validate(), "base_domain must be ", bad)
	}
	require.ErrorContains(t, Config{ReservedHosts: []string{"www", "a.b"}}.Validate(), "reserved_hosts must be ")
}
