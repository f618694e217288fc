package identity

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/audit"
)

func TestRefreshingRotatesTheTokenAndExtendsTheSession(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	u, te := r.mustRegister(t, "ada@example.com", "Acme")
	first := r.mustLogin(t, u.Email)
	before := r.client.Session.GetX(t.Context(), r.session(t, first))

	second, err := r.refresh(t.Context(), offer{secret: first.Refresh})
	require.NoError(t, err)
	require.NotEqual(t, first.Refresh, second.Refresh)
	require.Equal(t, r.session(t, first), r.session(t, second))
	after := r.client.Session.GetX(t.Context(), before.ID)
	require.True(t, after.ExpiresAt.After(before.ExpiresAt))
	require.True(t, after.LastSeenAt.After(before.LastSeenAt))
	require.Equal(t, audit.Entry{
		Action: "identity.session.refresh", Target: sessionTarget(before.ID), Tenant: te.ID, Actor: u.ID,
	}, r.last(t))

	third, err := r.refresh(t.Context(), offer{secret: second.Refresh})
	require.NoError(t, err)
	require.True(t, r.active(t, r.session(t, third)))
}

func TestUsingATokenAgainEndsItsWholeFamily(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	u, te := r.mustRegister(t, "ada@example.com", "Acme")
	first, other := r.mustLogin(t, u.Email), r.mustLogin(t, u.Email)
	second, err := r.refresh(t.Context(), offer{secret: first.Refresh})
	require.NoError(t, err)
	r.pastGrace(t)

	for range 2 {
		_, err = r.refresh(t.Context(), offer{secret: first.Refresh})
		require.ErrorIs(t, err, identityapi.ErrRefreshReused)
		require.Equal(t, audit.Entry{
			Action: "identity.session.refresh_reused", Target: sessionTarget(r.session(t, first)), Outcome: audit.Denied,
			Tenant: te.ID, Actor: u.ID,
		}, r.last(t))
	}
	require.False(t, r.active(t, r.session(t, first)), "the end is committed although the answer is an error")
	require.Equal(t, []uuid.UUID{r.session(t, first)}, r.revoked.ids)
	_, err = r.refresh(t.Context(), offer{secret: second.Refresh})
	require.ErrorIs(t, err, identityapi.ErrRefreshInvalid)
	require.True(t, r.active(t, r.session(t, other)), "another session of the user goes on")
}

func TestRefreshesThatAreRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(t *testing.T, r *rig, u User, te Tenant)
		want   error
	}{
		"the token has expired": {func(t *testing.T, r *rig, _ User, _ Tenant) {
			s := r.client.Session.Query().OnlyX(t.Context())
			r.client.RefreshToken.Delete().ExecX(t.Context())
			r.client.RefreshToken.Create().SetID(uuid.New()).SetSessionID(s.ID).SetTokenHash(hashToken("expired")).
				SetCreatedAt(now().Add(-time.Hour)).SetExpiresAt(now()).ExecX(t.Context())
		}, identityapi.ErrRefreshExpired},
		"the user is disabled": {func(t *testing.T, r *rig, u User, _ Tenant) {
			r.client.User.UpdateOneID(u.ID).SetDisabledAt(now()).ExecX(t.Context())
		}, identityapi.ErrRefreshInvalid},
		"the tenant is suspended": {func(t *testing.T, r *rig, _ User, te Tenant) {
			r.client.Tenant.UpdateOneID(te.ID).SetSuspendedAt(now()).ExecX(t.Context())
		}, identityapi.ErrTenantSuspended},
		"the user is no member any more": {func(t *testing.T, r *rig, _ User, te Tenant) {
			r.forgetMembers(t, te)
		}, identityapi.ErrNotAMember},
		"the session is gone": {func(t *testing.T, r *rig, _ User, _ Tenant) {
			r.client.Session.Delete().ExecX(t.Context())
		}, identityapi.ErrRefreshInvalid},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			u, te := r.mustRegister(t, "ada@example.com", "Acme")
			tokens := r.mustLogin(t, u.Email)
			test.change(t, r, u, te)
			secret := tokens.Refresh
			if test.want == identityapi.ErrRefreshExpired {
				secret = "expired"
			}
			for range 2 { // a refusal does not use the token up
				_, err := r.refresh(t.Context(), offer{secret: secret})
				require.ErrorIs(t, err, test.want)
			}
			require.Empty(t, r.revoked.ids)
		})
	}
	r := newRig(t)
	for _, secret := range []string{"unknown", "a\x00b\xff", ""} {
		_, err := r.refresh(t.Context(), offer{secret: secret})
		require.ErrorIs(t, err, identityapi.ErrRefreshInvalid)
	}
}
