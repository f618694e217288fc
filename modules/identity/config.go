package identity

import (
	"errors"
	"time"

	"github.com/yourorg/platform/pkg/config"
)

// Config is the "identity" section of the configuration.
type Config struct {
	// Registration lets anybody create a user with a tenant, and further tenants. When off, /api/v1/auth/register and
	// POST /api/v1/tenants answer 403.
	Registration bool `mapstructure:"registration"`
	// RefreshTTL is how long a refresh token, and with it an unused session, stays valid.
	RefreshTTL time.Duration `mapstructure:"refresh_ttl"`

	// PublicURL is where people reach the pages that mailed links lead to: /verify-email, /reset-password,
	// /accept-invitation and /confirm-email-change below it, with #token=… at the end. The server's own address stands in
	// for it, which production is warned about.
	PublicURL string `mapstructure:"public_url"`
	// VerificationTTL is how long a link to verify an address works.
	VerificationTTL time.Duration `mapstructure:"verification_ttl"`
	// ResetTTL is how long a link to a new password works.
	ResetTTL time.Duration `mapstructure:"reset_ttl"`
	// EmailChangeTTL is how long the links that confirm a new address work.
	EmailChangeTTL time.Duration `mapstructure:"email_change_ttl"`
	// MailInterval is the least time between two such mails of one kind to one user. 0s sends every one.
	MailInterval time.Duration `mapstructure:"mail_interval"`
	// DeletionGrace is how long a user who asked to be deleted can come back by signing in.
	DeletionGrace time.Duration `mapstructure:"deletion_grace"`

	// TenantDeletionGrace is how long a deleted tenant is kept, so that the operator can bring it back.
	TenantDeletionGrace time.Duration `mapstructure:"tenant_deletion_grace"`
	// InvitationTTL is how long an invitation is open.
	InvitationTTL time.Duration `mapstructure:"invitation_ttl"`

	Password PasswordConfig `mapstructure:"password"`
	MFA      MFAConfig      `mapstructure:"mfa"`
	OIDC     OIDCConfig     `mapstructure:"oidc"`
}

// PasswordConfig says how passwords are hashed (argon2id, RFC 9106) and how many at a time.
type PasswordConfig struct {
	// MemoryKiB is the memory that one hash takes, in KiB.
	MemoryKiB int `mapstructure:"memory_kib"`
	// Iterations is the number of passes over that memory.
	Iterations int `mapstructure:"iterations"`
	// Parallelism is the number of threads of one hash.
	Parallelism int `mapstructure:"parallelism"`
	// Workers is how many hashes run at once; 0 means one for each CPU.
	Workers int `mapstructure:"workers"`
	// Queue is how many more may wait. Beyond that the answer is 503.
	Queue int `mapstructure:"queue"`
	// MinLength is the length of the shortest new password, in characters.
	MinLength int `mapstructure:"min_length"`
}

// DefaultConfig follows OWASP's choice of parameters for argon2id.
func DefaultConfig() Config {
	return Config{
		Registration: true,
		RefreshTTL:   720 * time.Hour,

		VerificationTTL: 48 * time.Hour,
		ResetTTL:        time.Hour,
		EmailChangeTTL:  24 * time.Hour,
		MailInterval:    time.Minute,
		DeletionGrace:   168 * time.Hour,

		TenantDeletionGrace: 720 * time.Hour,
		InvitationTTL:       168 * time.Hour,

		Password: PasswordConfig{MemoryKiB: 19456, Iterations: 2, Parallelism: 1, Queue: 32, MinLength: minPasswordLength},
		MFA:      defaultMFA(),
		OIDC:     defaultOIDC(),
	}
}

// Validate names every key that cannot work.
func (c Config) Validate() error {
	var errs []error
	within := func(key string, value, low, high int) {
		if value < low || value > high {
			errs = append(errs, config.Invalid(key, "must be between %d and %d", low, high))
		}
	}
	if c.RefreshTTL < time.Second {
		errs = append(errs, config.Invalid("refresh_ttl", "must be at least 1s"))
	}
	errs = append(errs, c.validateAccounts(), c.MFA.validate(), c.OIDC.validate())
	if c.TenantDeletionGrace < 0 {
		errs = append(errs, config.Invalid("tenant_deletion_grace", "must be at least 0s"))
	}
	if c.InvitationTTL < time.Minute {
		errs = append(errs, config.Invalid("invitation_ttl", "must be at least 1m"))
	}
	p := c.Password
	within("password.iterations", p.Iterations, 1, maxIterations)
	within("password.parallelism", p.Parallelism, 1, maxParallelism)
	within("password.memory_kib", p.MemoryKiB, 8*max(p.Parallelism, 1), maxMemory)
	within("password.workers", p.Workers, 0, 1024)
	within("password.queue", p.Queue, 0, 100_000)
	within("password.min_length", p.MinLength, minPasswordLength, 128)
	return errors.Join(errs...)
}
