package identity

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/tenant"
)

func TestAnAccountIsErasedAfterItsGrace(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	u, te := r.mustRegister(t, "ada@example.com", "Acme")
	bystander, _ := r.mustRegister(t, "eve@example.com", "Other")
	tokens := r.mustLogin(t, u.Email)
	caller := r.caller(t, u, tokens)

	_, err := r.requestDeletion(t.Context(), caller, "wrong")
	require.ErrorIs(t, err, identityapi.ErrPasswordWrong)
	due, err := r.requestDeletion(t.Context(), caller, password)
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(168*time.Hour), due, time.Minute)
	require.False(t, r.active(t, r.session(t, tokens)), "signed out everywhere")
	require.Equal(t, "identity.deletion_requested", last(r.letters.kinds(u.Email)))
	again, err := r.requestDeletion(t.Context(), caller, password)
	require.NoError(t, err)
	require.Equal(t, due, again, "asking again does not postpone it")

	n, err := r.erasure().Tidy(t.Context())
	require.NoError(t, err)
	require.Zero(t, n, "not before it is due")
	r.client.User.UpdateOneID(u.ID).SetDeletionDueAt(now()).ExecX(t.Context())
	n, err = r.erasure().Tidy(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, audit.Entry{Action: "identity.user.erase", Target: userTarget(u.ID), Tenant: te.ID}, r.last(t))
	require.Equal(t, bystander.ID, r.client.User.Query().OnlyIDX(t.Context()))
	require.Zero(t, r.client.Session.Query().CountX(t.Context()))
	require.Zero(t, r.client.Membership.Query().CountX(tenant.NewContext(t.Context(), te.ID)))
	require.Len(t, r.grants.all, 1, "the bystander's role")
	require.NotNil(t, r.client.Tenant.GetX(t.Context(), te.ID).EraseAt, "nobody is left in the tenant")
	r.mustLogin(t, bystander.Email)

	r.forgot(t, u.Email)
	_, _, err = r.register(t.Context(), registration{email: u.Email, password: password, name: "Ada", tenantName: "Anew"})
	require.NoError(t, err, "the address is free")
}

func TestSigningInDuringTheGraceKeepsTheAccount(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	u, _ := r.mustRegister(t, "ada@example.com", "Acme")
	_, err := r.requestDeletion(t.Context(), r.caller(t, u, r.mustLogin(t, u.Email)), password)
	require.NoError(t, err)
	_, err = r.login(t.Context(), credentials{email: u.Email, password: "wrong"})
	require.ErrorIs(t, err, identityapi.ErrInvalidCredentials)
	require.NotNil(t, r.client.User.GetX(t.Context(), u.ID).DeletionDueAt)
	r.mustLogin(t, u.Email)
	require.Nil(t, r.client.User.GetX(t.Context(), u.ID).DeletionDueAt)
	require.Equal(t, "identity.deletion_cancelled", last(r.letters.kinds(u.Email)))
	erased, err := r.erasure().erase(t.Context(), u.ID)
	require.NoError(t, err)
	require.False(t, erased, "also when the housekeeper had already chosen the user")
	require.Equal(t, 1, r.client.User.Query().CountX(t.Context()))
}

func TestATenantDoesNotLoseItsLastOwner(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	u, te := r.mustRegister(t, "ada@example.com", "Acme")
	eve, _ := r.mustRegister(t, "eve@example.com", "Other")
	caller := r.caller(t, u, r.mustLogin(t, u.Email))
	require.NoError(t, r.tenants.join(t.Context(), te.ID, eve.ID))
	before := len(r.entries)
	_, err := r.requestDeletion(t.Context(), caller, password)
	require.ErrorIs(t, err, identityapi.ErrLastOwner)
	require.Len(t, r.entries, before)
	require.Nil(t, r.client.User.GetX(t.Context(), u.ID).DeletionDueAt)

	require.NoError(t, r.grants.Assign(t.Context(), te.ID, eve.ID, authz.Owner))
	r.client.User.UpdateOneID(eve.ID).SetDeletionDueAt(now().Add(time.Hour)).ExecX(t.Context())
	_, err = r.requestDeletion(t.Context(), caller, password)
	require.ErrorIs(t, err, identityapi.ErrLastOwner, "an owner who is about to go is none")
	r.client.User.UpdateOneID(eve.ID).ClearDeletionDueAt().ExecX(t.Context())
	_, err = r.requestDeletion(t.Context(), caller, password)
	require.NoError(t, err)

	_, err = r.bootstrap(BootstrapConfig{AdminEmail: "root@example.com", AdminPassword: password}, config.Production).Seed(t.Context())
	require.NoError(t, err)
	root, err := r.users.byEmail(t.Context(), "root@example.com")
	require.NoError(t, err)
	_, err = r.requestDeletion(t.Context(), r.caller(t, root, r.mustLogin(t, root.Email)), password)
	require.ErrorIs(t, err, identityapi.ErrLastOwner, "the platform needs its administrator")
}

func TestTwoOwnersDoNotBothGo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ada, te := r.mustRegister(t, "ada@example.com", "Acme")
	eve, _ := r.mustRegister(t, "eve@example.com", "Other")
	bob, _ := r.mustRegister(t, "bob@example.com", "Third")
	for _, u := range []User{eve, bob} {
		require.NoError(t, r.tenants.join(t.Context(), te.ID, u.ID))
	}
	require.NoError(t, r.grants.Assign(t.Context(), te.ID, eve.ID, authz.Owner))
	owners := []User{ada, eve}
	refused := 0
	for _, err := range parallel(2, func(n int) error {
		_, err := r.requestDeletion(t.Context(), r.caller(t, owners[n], r.mustLogin(t, owners[n].Email)), password)
		return err
	}) {
		if err != nil {
			require.ErrorIs(t, err, identityapi.ErrLastOwner)
			refused++
		}
	}
	require.Equal(t, 1, refused)
}

func TestHousekeepingRemovesExpiredLinks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	u, _ := r.mustRegister(t, "ada@example.com", "Acme")
	require.NoError(t, r.requestEmailChange(t.Context(), r.caller(t, u, r.mustLogin(t, u.Email)), "new@example.com", password))
	n, err := r.erasure().Tidy(t.Context())
	require.NoError(t, err)
	require.Zero(t, n)

	_, old, err := newMailToken(u, forReset, -25*time.Hour)
	require.NoError(t, err)
	require.NoError(t, r.mail.tokens.insert(t.Context(), old))
	n, err = r.erasure().Tidy(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, 1, r.client.MailToken.Query().CountX(t.Context()))
}
