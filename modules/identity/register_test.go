package identity

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/tenant"
)

func TestRegisteringMakesAnOwner(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	u, te, err := r.register(t.Context(), registration{
		email: " Ada@Example.com ", password: password, name: " Ada ", tenantName: " Acme, Inc. ",
	})
	require.NoError(t, err)
	require.Equal(t, "ada@example.com", u.Email)
	require.Equal(t, "Ada", u.Name)
	require.Equal(t, "Acme, Inc.", te.Name)
	require.Equal(t, "acme-inc", te.Slug)

	stored, err := r.users.byEmail(t.Context(), "ADA@example.com")
	require.NoError(t, err)
	require.Equal(t, u, stored)
	storedTenant, err := r.tenants.byID(t.Context(), te.ID)
	require.NoError(t, err)
	require.Equal(t, te, storedTenant)
	require.Equal(t, []grant{{te.ID, u.ID, authz.Owner}}, r.grants.all)
	members, err := r.client.Membership.Query().All(tenant.NewContext(t.Context(), te.ID))
	require.NoError(t, err)
	require.Len(t, members, 1)
	require.Equal(t, u.ID, members[0].UserID)
	require.Equal(t, audit.Entry{
		Action: "identity.user.register", Target: userTarget(u.ID), Tenant: te.ID, Actor: u.ID,
	}, r.last(t))
}

func TestATakenAddressIsAConflictAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.mustRegister(t, "ada@example.com", "Acme")
	_, _, err := r.register(t.Context(), registration{email: "ADA@example.com", password: password, name: "Eve", tenantName: "Eve's"})
	require.ErrorIs(t, err, identityapi.ErrEmailTaken)
	require.Equal(t, 1, r.client.Tenant.Query().CountX(t.Context()))
	require.Len(t, r.entries, 1)
}

func TestOfRacingRegistrationsExactlyOneWins(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	errs := parallel(8, func(int) error {
		_, _, err := r.register(t.Context(), registration{email: "ada@example.com", password: password, name: "Ada", tenantName: "Acme"})
		return err
	})
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		require.ErrorIs(t, err, identityapi.ErrEmailTaken)
	}
	require.Equal(t, 1, won)
	require.Equal(t, 1, r.client.User.Query().CountX(t.Context()))
	require.Equal(t, 1, r.client.Tenant.Query().CountX(t.Context()))
}

func TestTenantsOfOneNameGetSlugsOfTheirOwn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var mu sync.Mutex
	taken := map[string]bool{}
	errs := parallel(12, func(n int) error {
		_, te, err := r.register(t.Context(), registration{
			email: string(rune('a'+n)) + "@example.com", password: password, name: "Ada", tenantName: "Acme",
		})
		mu.Lock()
		defer mu.Unlock()
		taken[te.Slug] = true
		return err
	})
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Len(t, taken, 12)
	require.True(t, taken["acme"] && taken["acme-2"] && taken["acme-9"])
}

func TestARegistrationNamesEveryFieldAtFault(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, _, err := r.register(t.Context(), registration{email: "Ada <ada@example.com>", password: "short", name: " ", tenantName: "a\x00b"})
	require.ErrorIs(t, err, identityapi.ErrRegistrationInvalid)
	p := problem.From(err)
	require.Equal(t, problem.Invalid, p.Kind)
	codes := map[string]string{}
	for _, f := range p.Fields {
		codes[f.Field] = f.Code
	}
	require.Equal(t, map[string]string{"email": "invalid", "password": "too_short", "name": "required", "tenant_name": "invalid"}, codes)
	require.Zero(t, r.client.User.Query().CountX(t.Context()))
}

func TestClosedRegistrationRefusesEverybody(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) { c.Registration = false })
	_, _, err := r.register(t.Context(), registration{email: "ada@example.com", password: password, name: "Ada", tenantName: "Acme"})
	require.ErrorIs(t, err, identityapi.ErrRegistrationClosed)
}

func TestMembershipsStayInsideTheirTenant(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, own := r.mustRegister(t, "ada@example.com", "Acme")
	r.mustRegister(t, "eve@example.com", "Other")
	_, err := r.client.Membership.Query().Count(t.Context())
	require.ErrorIs(t, err, tenant.ErrMissing, "the schema's hooks are installed")
	n, err := r.client.Membership.Query().Count(tenant.NewContext(t.Context(), own.ID))
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

// parallel runs work n times at once and returns what each came to.
func parallel(n int, work func(int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = work(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}
