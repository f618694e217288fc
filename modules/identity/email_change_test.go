package identity

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/problem"
)

func TestAnAddressChangesWhenBothAgree(t *testing.T) {
	t.Parallel()
	for name, order := range map[string][2]string{
		"the old one first": {"identity.email_change_old", "identity.email_change_new"},
		"the new one first": {"identity.email_change_new", "identity.email_change_old"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			u, _ := r.mustRegister(t, "ada@example.com", "Acme")
			caller := r.caller(t, u, r.mustLogin(t, u.Email))
			require.NoError(t, r.requestEmailChange(t.Context(), caller, " New@Example.com ", password))
			box := map[string]string{"identity.email_change_old": u.Email, "identity.email_change_new": "new@example.com"}
			for i, kind := range order {
				secret := r.letters.token(t, box[kind], kind)
				completed, err := r.confirmEmailChange(t.Context(), secret)
				require.NoError(t, err)
				require.Equal(t, i == 1, completed)
				_, err = r.confirmEmailChange(t.Context(), secret)
				require.ErrorIs(t, err, identityapi.ErrTokenInvalid, "once")
			}
			u = toUser(r.client.User.GetX(t.Context(), u.ID))
			require.Equal(t, "new@example.com", u.Email)
			require.NotNil(t, u.EmailVerifiedAt)
			require.Equal(t, "identity.email_changed", last(r.letters.kinds("ada@example.com")))
			r.mustLogin(t, "new@example.com")
			require.Equal(t, "identity.email.change", r.entries[len(r.entries)-2].Action)
		})
	}
}

func TestBothConfirmationsAtOnceCompleteAChangeOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	u, _ := r.mustRegister(t, "ada@example.com", "Acme")
	caller := r.caller(t, u, r.mustLogin(t, u.Email))
	require.NoError(t, r.requestEmailChange(t.Context(), caller, "new@example.com", password))
	secrets := []string{
		r.letters.token(t, u.Email, "identity.email_change_old"), r.letters.token(t, "new@example.com", "identity.email_change_new"),
	}
	completed := make([]bool, 10)
	confirmed := 0
	for _, err := range parallel(10, func(n int) (err error) {
		completed[n], err = r.confirmEmailChange(t.Context(), secrets[n%2])
		return err
	}) {
		if err == nil {
			confirmed++
			continue
		}
		require.ErrorIs(t, err, identityapi.ErrTokenInvalid)
	}
	require.Equal(t, 2, confirmed)
	n := 0
	for _, done := range completed {
		if done {
			n++
		}
	}
	require.Equal(t, 1, n)
	require.Equal(t, "new@example.com", r.client.User.GetX(t.Context(), u.ID).Email)
}

// The one who asks sees the same in both cases: in the answer, and in the mail to the old address.
func TestATakenAddressIsNotRevealed(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) { c.MailInterval = 0 })
	u, _ := r.mustRegister(t, "ada@example.com", "Acme")
	taken, _ := r.mustRegister(t, "taken@example.com", "Other")
	caller := r.caller(t, u, r.mustLogin(t, u.Email))
	require.NoError(t, r.requestEmailChange(t.Context(), caller, taken.Email, password))
	require.Equal(t, "identity.email_change_taken", last(r.letters.kinds(taken.Email)))
	completed, err := r.confirmEmailChange(t.Context(), r.letters.token(t, u.Email, "identity.email_change_old"))
	require.NoError(t, err)
	require.False(t, completed)
	require.Equal(t, u.Email, r.client.User.GetX(t.Context(), u.ID).Email)

	// And when somebody takes it between the request and the confirmations.
	require.NoError(t, r.requestEmailChange(t.Context(), caller, "late@example.com", password))
	_, err = r.confirmEmailChange(t.Context(), r.letters.token(t, "late@example.com", "identity.email_change_new"))
	require.NoError(t, err)
	r.mustRegister(t, "late@example.com", "Late")
	_, err = r.confirmEmailChange(t.Context(), r.letters.token(t, u.Email, "identity.email_change_old"))
	require.ErrorIs(t, err, identityapi.ErrTokenInvalid)
	require.Equal(t, u.Email, r.client.User.GetX(t.Context(), u.ID).Email)
}

func TestAChangeOfAddressNeedsThePasswordAndAnAddress(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	u, _ := r.mustRegister(t, "ada@example.com", "Acme")
	caller := r.caller(t, u, r.mustLogin(t, u.Email))
	require.ErrorIs(t, r.requestEmailChange(t.Context(), caller, "new@example.com", "wrong"), identityapi.ErrPasswordWrong)
	for address, code := range map[string]string{
		"": "required", "nobody": "invalid", "Ada@Example.com": "unchanged", "new@example.com\r\nBcc: eve@example.com": "invalid",
	} {
		err := r.requestEmailChange(t.Context(), caller, address, password)
		require.ErrorIs(t, err, identityapi.ErrEmailInvalid)
		require.Equal(t, code, problem.From(err).Fields[0].Code)
	}
	require.Equal(t, []string{"identity.verify_email"}, r.letters.kinds(u.Email))

	require.NoError(t, r.requestEmailChange(t.Context(), caller, "new@example.com", password))
	err := r.requestEmailChange(t.Context(), caller, "newer@example.com", password)
	require.ErrorIs(t, err, identityapi.ErrTooSoon)
	require.Positive(t, problem.From(err).RetryAfter)
}

func TestAnotherChangeOrPasswordVoidsAChangeUnderWay(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) { c.MailInterval = 0 })
	u, _ := r.mustRegister(t, "ada@example.com", "Acme")
	caller := r.caller(t, u, r.mustLogin(t, u.Email))
	require.NoError(t, r.requestEmailChange(t.Context(), caller, "one@example.com", password))
	one := r.letters.token(t, "one@example.com", "identity.email_change_new")
	require.NoError(t, r.requestEmailChange(t.Context(), caller, "two@example.com", password))
	two := r.letters.token(t, "two@example.com", "identity.email_change_new")
	_, err := r.confirmEmailChange(t.Context(), one)
	require.ErrorIs(t, err, identityapi.ErrTokenInvalid)
	require.NoError(t, r.changePassword(t.Context(), caller, password, fresh))
	_, err = r.confirmEmailChange(t.Context(), two)
	require.ErrorIs(t, err, identityapi.ErrTokenInvalid, "whoever knew the old password may have begun it")
}
