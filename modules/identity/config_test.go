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
		"refresh_ttl":          func(c *Config) { c.RefreshTTL = time.Millisecond },
		"password.memory_kib":  func(c *Config) { c.Password.MemoryKiB = 8<<20 + 1 },
		"password.iterations":  func(c *Config) { c.Password.Iterations = 0 },
		"password.parallelism": func(c *Config) { c.Password.Parallelism = 300 },
		"password.workers":     func(c *Config) { c.Password.Workers = -1 },
		"password.queue":       func(c *Config) { c.Password.Queue = -1 },
		"password.min_length":  func(c *Config) { c.Password.MinLength = 7 },
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
