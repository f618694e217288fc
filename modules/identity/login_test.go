package identity

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/auth"
)

func TestSigningInStartsASession(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	u, te := r.mustRegister(t, "ada@example.com", "Acme")
	tokens, err := r.login(t.Context(), credentials{
		email: " ADA@example.com", password: password, from: client{userAgent: "curl\x00\xff/8 " + strings.Repeat("ü", 600), ip: "192.0.2.1"},
	})
	require.NoError(t, err)
	require.Len(t, tokens.Refresh, 43)
	require.InDelta(t, 15*60, tokens.ExpiresIn.Seconds(), 60)

	s, err := r.client.Session.Get(t.Context(), r.session(t, tokens))
	require.NoError(t, err)
	require.Equal(t, u.ID, s.UserID)
	require.Equal(t, te.ID, s.TenantID)
	require.Equal(t, "192.0.2.1", s.IP)
	require.True(t, strings.HasPrefix(s.UserAgent, "curl/8 üü"))
	require.LessOrEqual(t, len(s.UserAgent), maxUserAgent)
	require.True(t, r.active(t, s.ID))
	require.Equal(t, audit.Entry{Action: actionLogin, Target: sessionTarget(s.ID), Tenant: te.ID, Actor: u.ID}, r.last(t))

	stored := r.client.RefreshToken.Query().OnlyX(t.Context())
	require.Equal(t, hashToken(tokens.Refresh), stored.TokenHash)
	require.NotContains(t, string(stored.TokenHash), tokens.Refresh)
}

func TestWhoDoesNotProveToBeAnEnabledUserGetsOneAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	u, te := r.mustRegister(t, "ada@example.com", "Acme")
	gone, _ := r.mustRegister(t, "gone@example.com", "Gone")
	r.client.User.UpdateOneID(gone.ID).SetDisabledAt(time.Now()).ExecX(t.Context())

	tests := map[string]struct {
		credentials

		target string
		tenant uuid.UUID
	}{
		"a wrong password":                           {credentials{email: u.Email, password: "wrong"}, userTarget(u.ID), te.ID},
		"a short password":                           {credentials{email: u.Email, password: "x"}, userTarget(u.ID), te.ID},
		"an endless password":                        {credentials{email: u.Email, password: strings.Repeat("x", 1<<16)}, userTarget(u.ID), te.ID},
		"a wrong password for somebody else's place": {credentials{email: u.Email, password: "wrong", tenant: "gone"}, userTarget(u.ID), uuid.Nil},
		"an unknown address":                         {credentials{email: "eve@example.com", password: password}, "", uuid.Nil},
		"text that is no address":                    {credentials{email: "a\x00b\xff", password: password}, "", uuid.Nil},
	}
	for name, test := range tests {
		_, err := r.login(t.Context(), test.credentials)
		require.Equal(t, error(identityapi.ErrInvalidCredentials), err, name)
		require.Equal(t, audit.Entry{Action: actionLogin, Target: test.target, Tenant: test.tenant, Outcome: audit.Failed}, r.last(t), name)
	}
	_, err := r.login(t.Context(), credentials{email: gone.Email, password: password})
	require.Equal(t, error(identityapi.ErrInvalidCredentials), err, "a disabled user")
	require.Zero(t, r.client.Session.Query().CountX(t.Context()))
}

func TestSigningInNamesATenant(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	u, own := r.mustRegister(t, "ada@example.com", "Acme")
	eve, other := r.mustRegister(t, "eve@example.com", "Other")
	require.NoError(t, r.tenants.join(t.Context(), other.ID, u.ID))

	in := func(wish string) uuid.UUID {
		tokens, err := r.login(t.Context(), credentials{email: u.Email, password: password, tenant: wish})
		require.NoError(t, err)
		return r.client.Session.GetX(t.Context(), r.session(t, tokens)).TenantID
	}
	require.Equal(t, own.ID, in(""), "the oldest membership")
	require.Equal(t, other.ID, in("other"))
	require.Equal(t, other.ID, in(other.ID.String()))

	_, err := r.login(t.Context(), credentials{email: eve.Email, password: password, tenant: "acme"})
	require.ErrorIs(t, err, identityapi.ErrNotAMember)
	require.Equal(t, audit.Entry{Action: actionLogin, Target: userTarget(eve.ID), Actor: eve.ID, Outcome: audit.Denied}, r.last(t))

	r.client.Tenant.UpdateOneID(other.ID).SetSuspendedAt(time.Now()).ExecX(t.Context())
	_, err = r.login(t.Context(), credentials{email: eve.Email, password: password})
	require.ErrorIs(t, err, identityapi.ErrTenantSuspended)
	require.Equal(t, other.ID, r.last(t).Tenant)
}

func TestASessionIsActiveOnlyWhileItsUserMayActInItsTenant(t *testing.T) {
	t.Parallel()
	tests := map[string]func(t *testing.T, r *rig, u User, te Tenant, session uuid.UUID){
		"it was revoked": func(t *testing.T, r *rig, _ User, _ Tenant, session uuid.UUID) {
			require.NoError(t, r.end(t.Context(), session))
		},
		"it has expired": func(t *testing.T, r *rig, _ User, _ Tenant, session uuid.UUID) {
			r.client.Session.UpdateOneID(session).SetExpiresAt(now()).ExecX(t.Context())
		},
		"the user is disabled": func(t *testing.T, r *rig, u User, _ Tenant, _ uuid.UUID) {
			r.client.User.UpdateOneID(u.ID).SetDisabledAt(now()).ExecX(t.Context())
		},
		"the user is gone": func(t *testing.T, r *rig, u User, _ Tenant, _ uuid.UUID) {
			r.client.User.DeleteOneID(u.ID).ExecX(t.Context())
		},
		"the tenant is suspended": func(t *testing.T, r *rig, _ User, te Tenant, _ uuid.UUID) {
			r.client.Tenant.UpdateOneID(te.ID).SetSuspendedAt(now()).ExecX(t.Context())
		},
		"the user is no member any more": func(t *testing.T, r *rig, _ User, te Tenant, _ uuid.UUID) {
			r.forgetMembers(t, te)
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			u, te := r.mustRegister(t, "ada@example.com", "Acme")
			session := r.session(t, r.mustLogin(t, u.Email))
			bystander, _ := r.mustRegister(t, "eve@example.com", "Other")
			other := r.session(t, r.mustLogin(t, bystander.Email))
			require.True(t, r.active(t, session))
			change(t, r, u, te, session)
			require.False(t, r.active(t, session))
			require.True(t, r.active(t, other))
			require.False(t, r.active(t, uuid.New()))
		})
	}
}

func TestSigningOutEndsTheSessionAndItsRefreshToken(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	u, te := r.mustRegister(t, "ada@example.com", "Acme")
	tokens, others := r.mustLogin(t, u.Email), r.mustLogin(t, u.Email)
	caller := &auth.Caller{UserID: u.ID, TenantID: te.ID, SessionID: r.session(t, tokens)}
	require.NoError(t, r.logout(t.Context(), caller))
	require.NoError(t, r.logout(t.Context(), caller), "again")
	require.Equal(t, []uuid.UUID{caller.SessionID}, r.revoked.ids)
	require.False(t, r.active(t, caller.SessionID))
	require.True(t, r.active(t, r.session(t, others)))
	_, err := r.refresh(t.Context(), offer{secret: tokens.Refresh})
	require.ErrorIs(t, err, identityapi.ErrRefreshInvalid)
}

func TestMeDescribesTheCaller(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	u, te := r.mustRegister(t, "ada@example.com", "Acme")
	p, err := r.me(t.Context(), &auth.Caller{UserID: u.ID, TenantID: te.ID})
	require.NoError(t, err)
	require.Equal(t, u, p.user)
	require.Equal(t, te, p.tenant)
	require.Equal(t, []string{"owner"}, p.roles)
	require.NotEmpty(t, p.permissions)
}
