package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

// The README's tour is pasted into a shell, as a reader would.
func TestTourOfTheReadme(t *testing.T) {
	t.Parallel()

	for _, tool := range []string{"bash", "curl", "sed"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the tour needs %s", tool)
		}
	}
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	_, tour, found := strings.Cut(string(readme), "<!-- tour: run by a test -->\n```sh\n")
	require.True(t, found, "the README has lost its tour")
	tour, _, _ = strings.Cut(tour, "\n```\n")

	app := testapp.New(t, modules.All())
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail")
	cmd.Env = append(os.Environ(), "PLATFORM_URL="+app.URL)
	cmd.Stdin = strings.NewReader(tour)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), `"status":"published"`)
	require.Contains(t, string(out), "\n404\n", "the other tenant must see nothing")
}
