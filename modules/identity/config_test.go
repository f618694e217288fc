package identity

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheDefaultsAreValid(t *testing.T) {
	t.Parallel()
	require.NoError(t, DefaultConfig().Validate())
	require.NoError(t, DefaultBootstrapConfig().Validate())
}

func TestSettingsThatCannotWorkAreNamed(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*Config){
		"refresh_ttl":           func(c *Config) { c.RefreshTTL = time.Millisecond },
		"verification_ttl":      func(c *Config) { c.VerificationTTL = 0 },
		"reset_ttl":             func(c *Config) { c.ResetTTL = 25 * time.Hour },
		"email_change_ttl":      func(c *Config) { c.EmailChangeTTL = time.Second },
		"mail_interval":         func(c *Config) { c.MailInterval = -1 },
		"deletion_grace":        func(c *Config) { c.DeletionGrace = -time.Hour },
		"public_url":            func(c *Config) { c.PublicURL = "app.example.com" },
		"tenant_deletion_grace": func(c *Config) { c.TenantDeletionGrace = -1 },
		"invitation_ttl":        func(c *Config) { c.InvitationTTL = time.Second },
		"password.memory_kib":   func(c *Config) { c.Password.MemoryKiB = 8<<20 + 1 },
		"password.iterations":   func(c *Config) { c.Password.Iterations = 0 },
		"password.parallelism":  func(c *Config) { c.Password.Parallelism = 300 },
		"password.workers":      func(c *Config) { c.Password.Workers = -1 },
		"password.queue":        func(c *Config) { c.Password.Queue = -1 },
		"password.min_length":   func(c *Config) { c.Password.MinLength = 7 },
	}
	for key, change := range tests {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			cfg := DefaultConfig()
			change(&cfg)
			require.ErrorContains(t, cfg.Validate(), key+" must be ")
		})
	}
	require.ErrorContains(t, BootstrapConfig{AdminEmail: "admin"}.Validate(), "admin_email is not an e-mail address")
}

func TestAPublicAddressIsOneThatAPathCanFollow(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"https://app.example.com": true, "http://localhost:3000": true, "https://example.com/app/": true,
		"//example.com": false, "https://": false, "https://:443": false, "javascript:alert(1)": false, "ftp://example.com": false,
		"https://user@example.com": false, "https://example.com?x=1": false, "https://example.com?": false, "https://example.com#x": false,
		"https://example.com\r\nX: y": false,
	} {
		require.Equal(t, want, publicURL(address), address)
	}
}
