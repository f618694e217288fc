package app_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/app"
	"github.com/yourorg/platform/internal/config"
	"github.com/yourorg/platform/modules"
)

func TestTheEmbeddedFileOfEveryEnvironmentFitsTheSections(t *testing.T) {
	t.Parallel()
	for environment, format := range map[string]string{"development": "console", "production": "json", "test": "auto"} {
		t.Run(environment, func(t *testing.T) {
			t.Parallel()
			loaded, err := app.Load(config.Options{Environment: environment, Dir: t.TempDir(), Environ: []string{}}, modules.All()...)
			require.NoError(t, err)
			got, known := loaded.Config.Get("log.format")
			require.True(t, known)
			require.Equal(t, format, got)
		})
	}
}
