package identity

import (
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/config"
)

func TestTheFirstStartInDevelopmentMakesAnAdministratorUp(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	seeder := r.bootstrap(DefaultBootstrapConfig(), config.Development)
	notice, err := seeder.Seed(t.Context())
	require.NoError(t, err)
	require.Len(t, notice, 2)
	require.Equal(t, "Administrator: admin@localhost", notice[0])
	secret := strings.Fields(notice[1])[1]
	require.GreaterOrEqual(t, len(secret), 20)

	tokens, err := r.login(t.Context(), credentials{email: "admin@localhost", password: secret, tenant: "operator"})
	require.NoError(t, err)
	s := r.client.Session.GetX(t.Context(), r.session(t, tokens))
	roles, err := r.grants.Roles(t.Context(), s.TenantID, s.UserID)
	require.NoError(t, err)
	require.Equal(t, []string{authz.Owner, authz.PlatformAdmin}, roles)

	notice, err = seeder.Seed(t.Context())
	require.NoError(t, err)
	require.Empty(t, notice, "later starts change and show nothing")
}

func TestAConfiguredPasswordIsNotShownAndNotReset(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	cfg := BootstrapConfig{AdminEmail: "Root@Example.com", AdminPassword: password}
	notice, err := r.bootstrap(cfg, config.Production).Seed(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"Administrator: root@example.com"}, notice)
	r.mustLogin(t, "root@example.com")

	cfg.AdminPassword = "another password"
	notice, err = r.bootstrap(cfg, config.Production).Seed(t.Context())
	require.NoError(t, err)
	require.Empty(t, notice)
	r.mustLogin(t, "root@example.com")

	_, err = r.bootstrap(BootstrapConfig{}, config.Production).Seed(t.Context())
	require.NoError(t, err, "production needs the settings only while there is no administrator")
}

func TestABootstrapThatCannotWorkSaysWhy(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		cfg  BootstrapConfig
		env  config.Environment
		want []string
	}{
		"production without settings": {
			BootstrapConfig{},
			config.Production,
			[]string{"PLATFORM_BOOTSTRAP_ADMIN_EMAIL", "PLATFORM_BOOTSTRAP_ADMIN_PASSWORD"},
		},
		"another environment without a password": {
			BootstrapConfig{AdminEmail: "root@example.com"}, "staging", []string{"PLATFORM_BOOTSTRAP_ADMIN_PASSWORD"},
		},
		"a short password": {
			BootstrapConfig{AdminPassword: "short"},
			config.Development,
			[]string{"bootstrap.admin_password must have at least 8 characters"},
		},
		"somebody else's address": {
			BootstrapConfig{AdminEmail: "Ada@example.com"},
			config.Development,
			[]string{"bootstrap.admin_email ada@example.com belongs to a user already"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.mustRegister(t, "ada@example.com", "Acme")
			notice, err := r.bootstrap(test.cfg, test.env).Seed(t.Context())
			require.Error(t, err)
			for _, want := range test.want {
				require.ErrorContains(t, err, want)
			}
			require.Empty(t, notice)
			require.Equal(t, 1, r.client.Tenant.Query().CountX(t.Context()))
		})
	}
}

func TestReplicasThatStartTogetherCreateOneAdministrator(t *testing.T) {
	t.Parallel()
	for name, email := range map[string]func(int) string{
		"with one address":       func(int) string { return "" },
		"with several addresses": func(n int) string { return string(rune('a'+n)) + "@example.com" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			var mu sync.Mutex
			shown := 0
			errs := parallel(4, func(n int) error {
				notice, err := r.bootstrap(BootstrapConfig{AdminEmail: email(n)}, config.Development).Seed(t.Context())
				mu.Lock()
				defer mu.Unlock()
				shown += len(notice)
				return err
			})
			for _, err := range errs {
				require.NoError(t, err)
			}
			require.Equal(t, 2, shown, "one password is shown, the one that works")
			require.Equal(t, 1, r.client.User.Query().CountX(t.Context()))
			require.Equal(t, 1, r.client.Tenant.Query().CountX(t.Context()))
		})
	}
}
