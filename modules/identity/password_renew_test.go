package identity

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/yourorg/platform/modules/identity/identityapi"
)

func bcrypted(t *testing.T, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	require.NoError(t, err)
	return string(hash)
}

func TestAnImportedHashIsAcceptedAndReplacedAtSignIn(t *testing.T) {
	t.Parallel()
	hash := bcrypted(t, password)
	for _, prefix := range []string{"$2a$", "$2b$", "$2y$"} {
		t.Run(prefix, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			u, _ := r.mustRegister(t, "ada@example.com", "Acme")
			r.client.User.UpdateOneID(u.ID).SetPasswordHash(prefix + hash[4:]).ExecX(t.Context())

			_, err := r.login(t.Context(), credentials{email: u.Email, password: "wrong"})
			require.ErrorIs(t, err, identityapi.ErrInvalidCredentials)
			require.Equal(t, prefix+hash[4:], r.client.User.GetX(t.Context(), u.ID).PasswordHash)

			r.mustLogin(t, u.Email)
			stored := r.client.User.GetX(t.Context(), u.ID).PasswordHash
			require.True(t, strings.HasPrefix(stored, "$argon2id$"))
			r.mustLogin(t, u.Email)
			require.Equal(t, stored, r.client.User.GetX(t.Context(), u.ID).PasswordHash)
		})
	}
}

func TestAHashGrowsWithTheConfiguredCost(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	u, _ := r.mustRegister(t, "ada@example.com", "Acme")
	hash := func() string { return r.client.User.GetX(t.Context(), u.ID).PasswordHash }
	cheapest := hash()

	dearer := r.cfg
	dearer.Password.MemoryKiB, dearer.Password.Iterations = 128, 2
	r.passwords = newPasswords(dearer)
	r.mustLogin(t, u.Email)
	require.Contains(t, hash(), "$m=128,t=2,p=1$")

	r.passwords = newPasswords(r.cfg)
	r.mustLogin(t, u.Email)
	require.Contains(t, hash(), "$m=128,t=2,p=1$", "it does not shrink")
	require.NotEqual(t, cheapest, hash())
}

func TestADamagedImportedHashIsAnError(t *testing.T) {
	t.Parallel()
	p := newPasswords(cheap())
	for name, stored := range map[string]string{
		"cut off":                "$2a$04$abc",
		"a cost that takes days": strings.Replace(bcrypted(t, password), "$04$", "$31$", 1),
		"no cost":                "$2a$xx$" + strings.Repeat("a", 53),
	} {
		_, err := p.verify(t.Context(), password, stored)
		require.ErrorIs(t, err, errPHC, name)
	}
}

// A sign-in must not undo a change of the password that happened while it was hashing.
func TestRenewingAHashDoesNotUndoAChange(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	u, _ := r.mustRegister(t, "ada@example.com", "Acme")
	r.client.User.UpdateOneID(u.ID).SetPasswordHash("$changed$").ExecX(t.Context())
	require.NoError(t, r.welcome(t.Context(), u, "$stronger$"))
	require.Equal(t, "$changed$", r.client.User.GetX(t.Context(), u.ID).PasswordHash)
}

func TestABusyPoolOnlyPostponesARenewal(t *testing.T) {
	t.Parallel()
	cfg := cheap()
	cfg.Password.Workers, cfg.Password.Queue = 1, 0
	p := newPasswords(cfg)
	err := p.run(t.Context(), func() {
		stronger, err := p.renew(t.Context(), password, bcrypted(t, password))
		require.NoError(t, err)
		require.Empty(t, stronger)
	})
	require.NoError(t, err)
}
