package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/notify"
	"github.com/yourorg/platform/pkg/tx"
)

var reset = notify.Message{
	To: "ada@example.com", Kind: "identity.reset_password", Subject: "Neues Paßwort",
	Text: "Follow this:\n\nhttps://app.example.com/reset-password#token=secret\n",
}

func start(t *testing.T, env config.Environment, change ...func(*Config)) (*Outbox, *observer.ObservedLogs) {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Dir = filepath.Join(t.TempDir(), "data", "mail")
	for _, c := range change {
		c(&cfg)
	}
	require.NoError(t, cfg.Validate())
	core, logs := observer.New(zap.DebugLevel)
	o := New(cfg, env, zap.New(core))
	require.NoError(t, o.Start(t.Context()))
	return o, logs
}

// files are the messages, whole ones only.
func files(t *testing.T, o *Outbox) []string {
	t.Helper()
	entries, err := os.ReadDir(o.cfg.Dir)
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		require.Equal(t, ".eml", filepath.Ext(e.Name()), "nothing half-written is left")
		names = append(names, filepath.Join(o.cfg.Dir, e.Name()))
	}
	return names
}

func TestAMessageBecomesAFileThatOnlyTheOwnerReads(t *testing.T) {
	t.Parallel()
	o, _ := start(t, config.Test)
	require.NoError(t, o.Send(t.Context(), reset))
	require.NoError(t, o.Stop(t.Context()))
	names := files(t, o)
	require.Len(t, names, 1)
	info, err := os.Stat(names[0])
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	folder, err := os.Stat(o.cfg.Dir)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), folder.Mode().Perm())

	f, err := os.Open(names[0])
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	m, err := mail.ReadMessage(f)
	require.NoError(t, err)
	require.Equal(t, "<ada@example.com>", m.Header.Get("To"))
	require.Equal(t, `"Platform" <no-reply@localhost>`, m.Header.Get("From"))
	require.Equal(t, "=?utf-8?q?Neues_Pa=C3=9Fwort?=", m.Header.Get("Subject"))
	require.Equal(t, "identity.reset_password", m.Header.Get("X-Kind"))
	_, err = m.Header.Date()
	require.NoError(t, err)
	text, err := io.ReadAll(m.Body)
	require.NoError(t, err)
	require.Equal(t, "Follow this:\r\n\r\nhttps://app.example.com/reset-password#token=secret\r\n", string(text))
}

func TestAMessageWaitsForItsCommit(t *testing.T) {
	t.Parallel()
	o, _ := start(t, config.Test)
	inTx, hooks := tx.NewContext(t.Context())
	require.NoError(t, o.Send(inTx, reset))
	rolledBack, _ := tx.NewContext(t.Context())
	require.NoError(t, o.Send(rolledBack, reset))
	require.Empty(t, files(t, o))
	hooks.Run(t.Context())
	require.NoError(t, o.Stop(t.Context()))
	require.Len(t, files(t, o), 1)
}

func TestEveryAcceptedMessageIsDelivered(t *testing.T) {
	t.Parallel()
	o, _ := start(t, config.Test)
	const n = waiting + 50 // more than can wait
	for i := range n {
		m := reset
		m.Subject = fmt.Sprint(i)
		require.NoError(t, o.Send(t.Context(), m))
	}
	require.NoError(t, o.Stop(t.Context()))
	require.NoError(t, o.Stop(t.Context()), "stopping twice is no error")
	require.Len(t, files(t, o), n)
	require.NoError(t, o.Send(t.Context(), reset))
	require.Len(t, files(t, o), n+1, "what comes too late is delivered by its sender")
}

func TestTheTextIsLoggedInDevelopmentOnly(t *testing.T) {
	t.Parallel()
	for env, shown := range map[config.Environment]bool{config.Development: true, config.Test: false, config.Production: false} {
		o, logs := start(t, env, func(c *Config) { c.Channel = channelFile })
		require.NoError(t, o.Send(t.Context(), reset))
		require.NoError(t, o.Stop(t.Context()))
		require.Equal(t, 1, logs.Len(), env)
		line := fmt.Sprint(logs.All()[0].Message, logs.All()[0].ContextMap())
		require.Contains(t, line, "identity.reset_password")
		for _, private := range []string{"secret", "ada@example.com"} {
			if shown {
				require.Contains(t, line, private, env)
			} else {
				require.NotContains(t, line, private, env)
			}
		}
	}
}

func TestAMessageThatCannotBeKeptIsLoggedWithoutItsText(t *testing.T) {
	t.Parallel()
	o, logs := start(t, config.Test)
	require.NoError(t, os.RemoveAll(o.cfg.Dir))
	require.NoError(t, o.Send(t.Context(), reset))
	require.NoError(t, o.Stop(t.Context()))
	require.Equal(t, 1, logs.FilterMessage("a message could not be delivered").Len())
	require.NotContains(t, fmt.Sprint(logs.All()[0].ContextMap()), "secret")
}

func TestAForgedMessageIsRefused(t *testing.T) {
	t.Parallel()
	o, _ := start(t, config.Test)
	forged := reset
	forged.Subject = "Hi\r\nBcc: eve@example.com"
	require.Error(t, o.Send(t.Context(), forged))
	require.NoError(t, o.Stop(t.Context()))
	require.Empty(t, files(t, o))
}

func TestProductionIsWarnedThatNobodyGetsAMail(t *testing.T) {
	t.Parallel()
	for channel, warnings := range map[string]int{"": 1, channelFile: 0} {
		core, logs := observer.New(zap.WarnLevel)
		cfg := DefaultConfig()
		cfg.Channel, cfg.Dir = channel, filepath.Join(t.TempDir(), "mail")
		o := New(cfg, config.Production, zap.New(core))
		require.NoError(t, o.Start(t.Context()))
		require.NoError(t, o.Stop(t.Context()))
		require.Len(t, logs.All(), warnings)
	}
}

func TestAFolderThatCannotBeMadeIsNamed(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()

	blocker := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(blocker, nil, 0o600))
	cfg.Dir = filepath.Join(blocker, "mail")
	require.ErrorContains(t, New(cfg, config.Test, zap.NewNop()).Start(t.Context()), "notify.dir: ")
}

func TestStoppingObeysItsContext(t *testing.T) {
	t.Parallel()
	o := New(DefaultConfig(), config.Test, zap.NewNop()) // never started, so nobody delivers
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.True(t, errors.Is(o.Stop(ctx), context.Canceled))
}

func TestSettingsThatCannotWorkAreNamed(t *testing.T) {
	t.Parallel()
	require.NoError(t, DefaultConfig().Validate())
	for want, change := range map[string]func(*Config){
		"channel must be file or empty": func(c *Config) { c.Channel = "pigeon" },
		"dir must name a folder":        func(c *Config) { c.Dir = "" },
		"from is not an e-mail address": func(c *Config) { c.From = "the platform" },
	} {
		cfg := DefaultConfig()
		change(&cfg)
		require.ErrorContains(t, cfg.Validate(), want)
	}
}
