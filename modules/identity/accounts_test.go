package identity

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/notify"
	"github.com/yourorg/platform/pkg/problem"
)

const fresh = "quiet violet hammock"

func (r *rig) caller(t *testing.T, u User, tokens Tokens) *auth.Caller {
	t.Helper()
	s := r.client.Session.GetX(t.Context(), r.session(t, tokens))
	return &auth.Caller{UserID: u.ID, TenantID: s.TenantID, SessionID: s.ID}
}

// forgot asks for a reset and waits for what follows the answer.
func (r *rig) forgot(t *testing.T, email string) {
	t.Helper()
	require.NoError(t, r.forgotPassword(t.Context(), email))
	r.settle(t)
}

func TestRegisteringMailsALinkThatVerifiesTheAddressOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	u, te := r.mustRegister(t, "ada@example.com", "Acme")
	require.Nil(t, u.EmailVerifiedAt)
	secret := r.letters.token(t, u.Email, "identity.verify_email")
	row := r.client.MailToken.Query().OnlyX(t.Context())
	require.Equal(t, hashToken(secret), row.TokenHash, "only the hash is kept")

	require.NoError(t, r.verifyEmail(t.Context(), secret))
	require.Equal(t, audit.Entry{Action: "identity.email.verify", Target: userTarget(u.ID), Tenant: te.ID, Actor: u.ID}, r.last(t))
	u, err := r.users.byID(t.Context(), u.ID)
	require.NoError(t, err)
	require.NotNil(t, u.EmailVerifiedAt)
	require.ErrorIs(t, r.verifyEmail(t.Context(), secret), identityapi.ErrTokenInvalid)
}

func TestAMailedTokenThatDoesNotWorkIsOneAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) { c.MailInterval = 0 })
	u, _ := r.mustRegister(t, "ada@example.com", "Acme")
	verify := r.letters.token(t, u.Email, "identity.verify_email")
	r.forgot(t, u.Email)
	reset := r.letters.token(t, u.Email, "identity.reset_password")

	for _, nonsense := range []string{"", "x", "a\x00\xff", newSecret(), reset} {
		require.Equal(t, error(identityapi.ErrTokenInvalid), r.verifyEmail(t.Context(), nonsense), "%q", nonsense)
	}
	require.Equal(t, error(identityapi.ErrTokenInvalid), r.resetPassword(t.Context(), verify, fresh), "a link is for one thing")
	completed, err := r.confirmEmailChange(t.Context(), reset)
	require.Equal(t, error(identityapi.ErrTokenInvalid), err)
	require.False(t, completed)

	past := now().Add(-time.Second)
	r.forgot(t, u.Email)
	expired, row, err := newMailToken(u, forReset, -time.Second)
	require.NoError(t, err)
	require.False(t, row.ExpiresAt.After(past.Add(time.Second)))
	require.NoError(t, r.mail.tokens.insert(t.Context(), row))
	require.Equal(t, error(identityapi.ErrTokenInvalid), r.resetPassword(t.Context(), expired, fresh), "expired")

	r.client.User.UpdateOneID(u.ID).SetEmail("other@example.com").ExecX(t.Context())
	require.ErrorIs(t, r.verifyEmail(t.Context(), verify), identityapi.ErrTokenInvalid, "it proves nothing about another address")
	require.ErrorIs(t, r.resetPassword(t.Context(), reset, fresh), identityapi.ErrTokenInvalid, "the mailbox is no longer the user's")
	r.client.User.UpdateOneID(u.ID).SetEmail(u.Email).SetDisabledAt(now()).ExecX(t.Context())
	require.ErrorIs(t, r.resetPassword(t.Context(), reset, fresh), identityapi.ErrTokenInvalid, "a disabled user")
	r.client.User.UpdateOneID(u.ID).ClearDisabledAt().ExecX(t.Context())
	require.NoError(t, r.resetPassword(t.Context(), reset, fresh), "none of this used it up")
}

func TestAResetSetsThePasswordAndEndsEverySession(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) { c.MailInterval = 0 })
	u, te := r.mustRegister(t, "ada@example.com", "Acme")
	bystander, _ := r.mustRegister(t, "eve@example.com", "Other")
	one, two, other := r.mustLogin(t, u.Email), r.mustLogin(t, u.Email), r.mustLogin(t, bystander.Email)
	r.forgot(t, u.Email)
	first := r.letters.token(t, u.Email, "identity.reset_password")
	r.forgot(t, " ADA@example.com ")
	second := r.letters.token(t, u.Email, "identity.reset_password")
	require.NotEqual(t, first, second)

	err := r.resetPassword(t.Context(), first, "password123")
	require.ErrorIs(t, err, identityapi.ErrPasswordWeak)
	require.Equal(t, "password", problem.From(err).Fields[0].Field)
	require.Equal(t, "breached", problem.From(err).Fields[0].Code)
	require.ErrorIs(t, r.resetPassword(t.Context(), first, "Acme-ada-1"), identityapi.ErrPasswordWeak)

	require.NoError(t, r.resetPassword(t.Context(), first, fresh), "a weak password does not use the link up")
	require.Equal(t, audit.Entry{Action: "identity.password.reset", Target: userTarget(u.ID), Tenant: te.ID, Actor: u.ID}, r.last(t))
	require.False(t, r.active(t, r.session(t, one)))
	require.False(t, r.active(t, r.session(t, two)))
	require.ElementsMatch(t, []uuid.UUID{r.session(t, one), r.session(t, two)}, r.revoked.ids)
	require.True(t, r.active(t, r.session(t, other)))
	require.NotNil(t, r.client.User.GetX(t.Context(), u.ID).EmailVerifiedAt, "whoever reset it reads the mail")
	require.ErrorIs(t, r.resetPassword(t.Context(), second, fresh), identityapi.ErrTokenInvalid, "the other link is void")
	require.Equal(t, "identity.password_changed", last(r.letters.kinds(u.Email)))

	_, err = r.login(t.Context(), credentials{email: u.Email, password: password})
	require.ErrorIs(t, err, identityapi.ErrInvalidCredentials)
	_, err = r.login(t.Context(), credentials{email: u.Email, password: fresh})
	require.NoError(t, err)
}

func TestOfManyUsesOfALinkAtOnceOneCounts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	u, _ := r.mustRegister(t, "ada@example.com", "Acme")
	r.forgot(t, u.Email)
	secret := r.letters.token(t, u.Email, "identity.reset_password")
	var won atomic.Int32
	for _, err := range parallel(10, func(int) error { return r.resetPassword(t.Context(), secret, fresh) }) {
		if err == nil {
			won.Add(1)
			continue
		}
		require.ErrorIs(t, err, identityapi.ErrTokenInvalid)
	}
	require.EqualValues(t, 1, won.Load())

	r.lockout.rules.FreeFailures = 100
	caller := r.caller(t, u, mustTokens(r.login(t.Context(), credentials{email: u.Email, password: fresh})))
	changed := 0
	for _, err := range parallel(10, func(int) error { return r.changePassword(t.Context(), caller, fresh, "another good one") }) {
		if err == nil {
			changed++
			continue
		}
		require.ErrorIs(t, err, identityapi.ErrPasswordWrong)
	}
	require.Equal(t, 1, changed)
}

func TestNobodysMailboxIsFlooded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	u, _ := r.mustRegister(t, "ada@example.com", "Acme")
	for range 5 {
		require.NoError(t, r.forgotPassword(t.Context(), u.Email))
		require.NoError(t, r.resendVerification(t.Context(), u.Email))
	}
	r.settle(t)
	require.Equal(t, []string{"identity.verify_email", "identity.reset_password"}, r.letters.kinds(u.Email))
}

func TestMailGoesOnlyToWhomItConcerns(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) { c.MailInterval = 0 })
	u, _ := r.mustRegister(t, "ada@example.com", "Acme")
	gone, _ := r.mustRegister(t, "gone@example.com", "Gone")
	r.client.User.UpdateOneID(gone.ID).SetDisabledAt(now()).ExecX(t.Context())
	require.NoError(t, r.verifyEmail(t.Context(), r.letters.token(t, u.Email, "identity.verify_email")))
	r.letters.all = nil
	for _, address := range []string{u.Email, gone.Email, "nobody@example.com", "no address", "a\x00\xff"} {
		require.NoError(t, r.resendVerification(t.Context(), address))
	}
	r.forgot(t, gone.Email)
	r.forgot(t, "nobody@example.com")
	require.Empty(t, r.letters.all)
}

func TestChangingThePasswordEndsTheOtherSessions(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	u, _ := r.mustRegister(t, "ada@example.com", "Acme")
	here, there := r.mustLogin(t, u.Email), r.mustLogin(t, u.Email)
	caller := r.caller(t, u, here)

	require.ErrorIs(t, r.changePassword(t.Context(), caller, "wrong", fresh), identityapi.ErrPasswordWrong)
	err := r.changePassword(t.Context(), caller, password, "iloveyou")
	require.ErrorIs(t, err, identityapi.ErrPasswordWeak)
	require.Equal(t, "new_password", problem.From(err).Fields[0].Field)
	require.True(t, r.active(t, r.session(t, there)))

	require.NoError(t, r.changePassword(t.Context(), caller, password, fresh))
	require.True(t, r.active(t, r.session(t, here)))
	require.False(t, r.active(t, r.session(t, there)))
	require.Equal(t, "identity.password_changed", last(r.letters.kinds(u.Email)))
}

func TestAnUnverifiedUserSignsInOnlyWhereThatIsAllowed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	u, te := r.mustRegister(t, "ada@example.com", "Acme")
	r.gate.requireVerified = true
	_, err := r.login(t.Context(), credentials{email: u.Email, password: "wrong"})
	require.ErrorIs(t, err, identityapi.ErrInvalidCredentials, "it is told to the user only")
	_, err = r.login(t.Context(), credentials{email: u.Email, password: password})
	require.ErrorIs(t, err, identityapi.ErrEmailUnverified)
	require.Equal(t, audit.Entry{Action: actionLogin, Target: userTarget(u.ID), Tenant: te.ID, Actor: u.ID, Outcome: audit.Denied}, r.last(t))
	require.NoError(t, r.verifyEmail(t.Context(), r.letters.token(t, u.Email, "identity.verify_email")))
	r.mustLogin(t, u.Email)
}

func last(kinds []string) string {
	if len(kinds) == 0 {
		return ""
	}
	return kinds[len(kinds)-1]
}

func mustTokens(t Tokens, err error) Tokens {
	if err != nil {
		panic(err)
	}
	return t
}

// Nobody can have the platform send somebody else a text of his own.
func TestLettersHoldNothingThatWasTyped(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) { c.MailInterval = 0 })
	const bait = "Visit https://evil.example"
	u, _, err := r.register(t.Context(), registration{email: "ada@example.com", password: password, name: bait, tenantName: bait})
	require.NoError(t, err)
	r.forgot(t, u.Email)
	caller := r.caller(t, u, r.mustLogin(t, u.Email))
	require.NoError(t, r.requestEmailChange(t.Context(), caller, "new@example.com", password))
	_, err = r.requestDeletion(t.Context(), caller, password)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(r.letters.all), 5)
	for _, m := range r.letters.all {
		require.NotContains(t, m.Subject+m.Text, "evil", m.Template)
	}
	var _ notify.Notifier = r.letters
}
