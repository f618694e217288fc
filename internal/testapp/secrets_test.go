package testapp_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

// judged is a test whose failures are looked at.
type judged struct {
	testing.TB
	cleanups []func()
	faults   []string
}

func (j *judged) Cleanup(fn func())         { j.cleanups = append(j.cleanups, fn) }
func (j *judged) Errorf(f string, a ...any) { j.faults = append(j.faults, fmt.Sprintf(f, a...)) }

func (j *judged) end() {
	for i := len(j.cleanups) - 1; i >= 0; i-- {
		j.cleanups[i]()
	}
}

func TestAPlatformThatLogsASecretOfAUserFailsTheTest(t *testing.T) {
	t.Parallel()
	for name, field := range map[string]func(u testapp.User) zap.Field{
		"nothing":              func(u testapp.User) zap.Field { return zap.String("email", u.Email) },
		"a token":              func(u testapp.User) zap.Field { return zap.String("header", "Bearer "+u.Token) },
		"a refresh token":      func(u testapp.User) zap.Field { return zap.Error(errors.New("bad " + u.Refresh)) },
		"a password":           func(u testapp.User) zap.Field { return zap.ByteString("body", []byte(u.Password)) },
		"a token among others": func(u testapp.User) zap.Field { return zap.Strings("headers", []string{"x", u.Token}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := &judged{TB: t}
			var log *zap.Logger
			app := testapp.New(j, modules.All(), testapp.Options{Extra: []fx.Option{fx.Populate(&log)}})
			log.Info("look", field(app.Register(t, "ada")))
			j.end()
			if name == "nothing" {
				require.Empty(t, j.faults)
				return
			}
			require.Len(t, j.faults, 1)
			require.NotContains(t, j.faults[0], "Bearer")
		})
	}
}
