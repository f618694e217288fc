package identity

import (
	"crypto/rand"
	"fmt"
	"iter"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"github.com/yourorg/platform/modules/identity/identityapi"
)

// The kinds of tenants.
const (
	customer = "customer"
	operator = "operator" // runs the platform; there is one
)

const maxSlug = 50 // bytes, without a suffix; with one, a slug is still a label of a host name

// Tenant is a customer, or the operator of the platform.
type Tenant struct {
	ID          uuid.UUID
	Name        string
	Slug        string // unique
	Kind        string
	Version     int        // grows with every change; its ETag
	RequireMFA  bool       // its members have to prove a second factor
	SuspendedAt *time.Time // nil while it is not
	EraseAt     *time.Time // nil until it is deleted
	CreatedAt   time.Time
}

// newTenant returns a tenant with an id and no slug yet. The name must have passed its check.
func newTenant(name, kind string) (Tenant, error) {
	id, err := uuid.NewV7()
	return Tenant{ID: id, Name: normalizeName(name), Kind: kind, Version: 1, CreatedAt: now()}, err
}

// slugify folds a name to a–z, 0–9 and single dashes. A slug never looks like an id, because a sign-in may name its
// tenant by either.
func slugify(name string) string {
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(norm.NFKD.String(name)) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			b.WriteRune(r)
			gap = false
		case !unicode.Is(unicode.Mn, r): // an accent joins its letter
			gap = true
		}
	}
	slug := b.String()
	if len(slug) > maxSlug {
		slug = strings.TrimRight(slug[:maxSlug], "-")
	}
	if slug == "" {
		return "tenant"
	}
	if _, err := uuid.Parse(slug); err == nil {
		return "tenant-" + slug
	}
	return slug
}

// slugs lists what to try for a tenant's slug: the base, then with a number, then with something random.
func slugs(base string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if !yield(base) {
			return
		}
		for n := 2; n < 10; n++ {
			if !yield(fmt.Sprintf("%s-%d", base, n)) {
				return
			}
		}
		for range 5 {
			if !yield(base + "-" + strings.ToLower(rand.Text()[:8])) {
				return
			}
		}
	}
}

// choose finds the tenant to sign in to among those of the user, oldest membership first. Without a wish, a suspended
// tenant is passed over for one that is not. Whether a tenant exists is not told to who is no member.
func choose(memberships []Tenant, wish string) (Tenant, error) {
	wish = strings.ToLower(strings.TrimSpace(wish))
	id, err := uuid.Parse(wish)
	byID := err == nil
	var suspended *Tenant
	for _, t := range memberships {
		switch {
		case wish != "" && t.Slug != wish && (!byID || t.ID != id):
		case t.SuspendedAt == nil:
			return t, nil
		case suspended == nil:
			suspended = &t
		}
	}
	if suspended != nil {
		return *suspended, identityapi.ErrTenantSuspended
	}
	return Tenant{}, identityapi.ErrNotAMember
}
