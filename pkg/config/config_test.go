package config_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/yourorg/platform/pkg/config"
)

type settings struct {
	Key config.Secret
	URL config.URL
	All []config.Secret
}

func TestNothingThatPrintsShowsASecret(t *testing.T) {
	t.Parallel()
	s := settings{Key: "hunter2", URL: "postgres://u:hunter2@db/x", All: []config.Secret{"hunter2"}}

	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for _, v := range []any{s, &s, s.Key, s.URL, s.All, map[string]config.Secret{"a": s.Key}} {
			shown := fmt.Sprintf(verb, v)
			require.NotContains(t, shown, "hunter2", verb)
			require.NotContains(t, shown, fmt.Sprintf("%x", "hunter2"), verb)
		}
	}

	encoded, err := json.Marshal(s)
	require.NoError(t, err)
	require.NotContains(t, string(encoded), "hunter2")

	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "s", s, "key", s.Key, "url", s.URL)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "s", s, "key", s.Key, "url", s.URL)
	require.NotContains(t, log.String(), "hunter2")

	core, logs := observer.New(zapcore.InfoLevel)
	zap.New(core).Info("x", zap.Any("s", s), zap.Any("key", s.Key), zap.Stringer("url", s.URL))
	entry, err := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()).EncodeEntry(zapcore.Entry{}, logs.All()[0].Context)
	require.NoError(t, err)
	require.NotContains(t, entry.String(), "hunter2")
}

func TestSecretCanBeRevealedAndAMissingOneSeen(t *testing.T) {
	t.Parallel()
	require.Equal(t, "hunter2", config.Secret("hunter2").Reveal())
	require.Equal(t, "********", config.Secret("hunter2").String())
	require.Empty(t, config.Secret("").String())
}

func TestURLHidesThePasswordOnly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		url  config.URL
		want string
	}{
		{"no password", "sqlite://data/platform.db?cache=shared", "sqlite://data/platform.db?cache=shared"},
		{"an absolute path", "sqlite:///var/lib/platform.db", "sqlite:///var/lib/platform.db"},
		{"a password in the authority", "postgres://u:hunter2@db:5432/x?sslmode=disable", "postgres://u:xxxxx@db:5432/x?sslmode=disable"},
		{"a password parameter", "postgres://db/x?password=hunter2&user=u", "postgres://db/x?password=%2A%2A%2A%2A%2A%2A%2A%2A&user=u"},
		{"nothing", "", ""},
		{"a list of words", "host=db password=hunter2", "********"},
		{"no scheme", "u:hunter2@db/x", "********"},
		{"a broken escape", "postgres://u:hunter2%@db/x", "********"},
		{"a broken parameter", "postgres://db/x?password=hunter2;user=u", "********"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, c.url.String())
			require.Equal(t, c.want, c.url.GoString())
			require.Equal(t, string(c.url), c.url.Reveal())
		})
	}
}

func TestInvalidNamesItsKeyAlsoWhenJoined(t *testing.T) {
	t.Parallel()
	err := errors.Join(config.Invalid("max_title", "must be at least %d", 1), config.Invalid("addr", "must not be empty"))
	require.EqualError(t, err, "max_title must be at least 1\naddr must not be empty")

	key, ok := errors.AsType[*config.KeyError](err)
	require.True(t, ok)
	require.Equal(t, config.KeyError{Key: "max_title", Reason: "must be at least 1"}, *key)
}
