package identity

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/tx"
)

// BootstrapConfig is the "bootstrap" section of the configuration: the administrator of a new platform. It is read
// only as long as there is none, and never changes an existing one.
type BootstrapConfig struct {
	// AdminEmail is the administrator's e-mail address; admin@localhost in development, required in production.
	AdminEmail string `mapstructure:"admin_email"`
	// AdminPassword is the administrator's first password; random and shown once in development, required in production.
	AdminPassword config.Secret `mapstructure:"admin_password"`
}

// DefaultBootstrapConfig leaves the choice to the environment.
func DefaultBootstrapConfig() BootstrapConfig { return BootstrapConfig{} }

// Validate names every key that cannot work.
func (c BootstrapConfig) Validate() error {
	var errs []error
	if c.AdminEmail != "" && !validEmail(c.AdminEmail) {
		errs = append(errs, config.Invalid("admin_email", "is not an e-mail address"))
	}
	if c.AdminPassword != "" && utf8.RuneCountInString(c.AdminPassword.Reveal()) < minPasswordLength {
		errs = append(errs, config.Invalid("admin_password", "must have at least %d characters", minPasswordLength))
	}
	return errors.Join(errs...)
}

// bootstrap makes sure that somebody can administer the platform.
type bootstrap struct {
	cfg       BootstrapConfig
	env       config.Environment
	tx        tx.Runner
	tenants   *tenants
	founder   *founder
	passwords *passwords
	trail     audit.Recorder
}

var _ module.Seeder = (*bootstrap)(nil)

func newBootstrap(
	cfg BootstrapConfig, env config.Environment, run tx.Runner, t *tenants, f *founder, p *passwords, trail audit.Recorder,
) *bootstrap {
	return &bootstrap{cfg: cfg, env: env, tx: run, tenants: t, founder: f, passwords: p, trail: trail}
}

// Seed creates the operator's tenant with its administrator, unless it exists. The notice contains the password only
// when it was made up here.
func (b *bootstrap) Seed(ctx context.Context) ([]string, error) {
	ctx = tenant.System(ctx, "bootstrap")
	if done, err := b.tenants.hasOperator(ctx); err != nil || done {
		return nil, err
	}
	email, password, err := b.credentials()
	if err != nil {
		return nil, err
	}
	if err := b.create(ctx, email, password); err != nil {
		// Another replica may have been faster.
		if done, again := b.tenants.hasOperator(ctx); again == nil && done {
			return nil, nil
		}
		if errors.Is(err, identityapi.ErrEmailTaken) {
			return nil, fmt.Errorf("bootstrap.admin_email %s belongs to a user already: choose another: %w", email, err)
		}
		return nil, fmt.Errorf("create the first administrator: %w", err)
	}
	notice := []string{"Administrator: " + email}
	if b.cfg.AdminPassword == "" {
		notice = append(notice, "Password: "+password+" (shown only now)")
	}
	return notice, nil
}

// credentials are the configured ones. Only development may leave them out: elsewhere nobody might see the password.
func (b *bootstrap) credentials() (email, password string, err error) {
	email, password = b.cfg.AdminEmail, b.cfg.AdminPassword.Reveal()
	if b.env != config.Development {
		var missing []string
		if email == "" {
			missing = append(missing, "PLATFORM_BOOTSTRAP_ADMIN_EMAIL (bootstrap.admin_email)")
		}
		if password == "" {
			missing = append(missing, "PLATFORM_BOOTSTRAP_ADMIN_PASSWORD (bootstrap.admin_password)")
		}
		if len(missing) > 0 {
			return "", "", fmt.Errorf("there is no administrator yet, and the environment %s makes none up: set %s",
				b.env, strings.Join(missing, " and "))
		}
	}
	if email == "" {
		email = "admin@localhost"
	}
	if password == "" {
		password = rand.Text()
	}
	if fault := b.passwords.check(password, email, "Operator"); fault != nil {
		return "", "", fmt.Errorf("bootstrap.admin_password %s", fault.Message)
	}
	return normalizeEmail(email), password, nil
}

func (b *bootstrap) create(ctx context.Context, email, password string) error {
	hash, err := b.passwords.hash(ctx, password)
	if err != nil {
		return err
	}
	u, err := newUser(email, "Administrator", hash)
	if err != nil {
		return err
	}
	u.EmailVerifiedAt = &u.CreatedAt // by whoever configured it
	t, err := newTenant("Operator", operator)
	if err != nil {
		return err
	}
	return b.tx.InTx(ctx, func(ctx context.Context) error {
		// One slug only: it is what makes the operator single.
		slug := slices.Values([]string{"operator"})
		if _, err := b.founder.found(ctx, u, t, slug, authz.PlatformAdmin, authz.Owner); err != nil {
			return err
		}
		return b.trail.Record(ctx, audit.Entry{Action: "identity.operator.create", Target: userTarget(u.ID), Tenant: t.ID})
	})
}
