package secret_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/secret"
	"github.com/yourorg/platform/pkg/config"
)

func TestDevelopmentKeepsItsKeyInAFile(t *testing.T) {
	t.Parallel()
	for _, env := range []config.Environment{config.Development, config.Test} {
		cfg := secret.Config{KeyFile: filepath.Join(t.TempDir(), "data", "encryption.key")}
		first, err := secret.New(cfg, env)
		require.NoError(t, err)
		sealed, err := first.Seal([]byte("hello"), "greeting")
		require.NoError(t, err)

		second, err := secret.New(cfg, env)
		require.NoError(t, err)
		plain, err := second.Open(sealed, "greeting")
		require.NoError(t, err)
		require.Equal(t, "hello", string(plain))

		info, err := os.Stat(cfg.KeyFile)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode())
		files, err := os.ReadDir(filepath.Dir(cfg.KeyFile))
		require.NoError(t, err)
		require.Len(t, files, 1, "nothing else is left behind")
	}
}

func TestProcessesThatStartTogetherAgreeOnOneKey(t *testing.T) {
	t.Parallel()
	cfg := secret.Config{KeyFile: filepath.Join(t.TempDir(), "encryption.key")}
	sealers, errs := make([]*secret.Sealer, 16), make([]error, 16)
	var wg sync.WaitGroup
	for i := range sealers {
		wg.Go(func() { sealers[i], errs[i] = secret.New(cfg, config.Development) })
	}
	wg.Wait()
	for i := range sealers {
		require.NoError(t, errs[i])
		sealed, err := sealers[i].Seal([]byte("hello"), "greeting")
		require.NoError(t, err)
		_, err = sealers[0].Open(sealed, "greeting")
		require.NoError(t, err)
	}
}

func TestEveryOtherEnvironmentRefusesToStartWithoutAKey(t *testing.T) {
	t.Parallel()
	for _, env := range []config.Environment{config.Production, "staging", ""} {
		cfg := secret.Config{KeyFile: filepath.Join(t.TempDir(), "encryption.key")}
		_, err := secret.New(cfg, env)
		require.ErrorContains(t, err, "security.encryption_key must be set")
		require.ErrorContains(t, err, "openssl rand -base64 32")
		require.NoFileExists(t, cfg.KeyFile)
	}
}

func TestABrokenKeyFileIsNotReplaced(t *testing.T) {
	t.Parallel()
	cfg := secret.Config{KeyFile: filepath.Join(t.TempDir(), "encryption.key")}
	require.NoError(t, os.WriteFile(cfg.KeyFile, []byte("half a k"), 0o600))
	_, err := secret.New(cfg, config.Development)
	require.ErrorContains(t, err, "security.key_file: the key in "+cfg.KeyFile+" is not base64")
	content, err := os.ReadFile(cfg.KeyFile)
	require.NoError(t, err)
	require.Equal(t, "half a k", string(content))
}

func TestAKeyFileThatCannotBeMadeIsAClearError(t *testing.T) {
	t.Parallel()
	blocker := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(blocker, nil, 0o600))
	_, err := secret.New(secret.Config{KeyFile: filepath.Join(blocker, "encryption.key")}, config.Development)
	require.ErrorContains(t, err, "security.key_file: ")
}
