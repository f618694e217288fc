package version

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatTheLinkerLeftOut(t *testing.T) {
	t.Parallel()

	settings := func(pairs ...string) []debug.BuildSetting {
		var all []debug.BuildSetting
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, debug.BuildSetting{Key: pairs[i], Value: pairs[i+1]})
		}
		return all
	}
	for _, c := range []struct {
		name  string
		build *debug.BuildInfo
		want  Info
	}{
		{"a binary without build information", nil, Info{"dev", "unknown", "unknown", runtime.Version()}},
		{
			"a build outside of version control",
			&debug.BuildInfo{Main: debug.Module{Version: "(devel)"}},
			Info{"dev", "unknown", "unknown", runtime.Version()},
		},
		{
			"an installed release",
			&debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}},
			Info{"v1.2.3", "unknown", "unknown", runtime.Version()},
		},
		{
			"a build of a commit",
			&debug.BuildInfo{Settings: settings("vcs.revision", "0a1b", "vcs.time", "2026-01-02T03:04:05Z", "vcs.modified", "false")},
			Info{"dev", "0a1b", "2026-01-02T03:04:05Z", runtime.Version()},
		},
		{
			"a build of a changed tree",
			&debug.BuildInfo{Settings: settings("vcs.modified", "true", "vcs.revision", "0a1b")},
			Info{"dev", "0a1b-dirty", "unknown", runtime.Version()},
		},
		{
			"a changed tree of which no commit is known",
			&debug.BuildInfo{Settings: settings("vcs.modified", "true")},
			Info{"dev", "unknown", "unknown", runtime.Version()},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()

			require.Equal(t, c.want, describe(c.build))
		})
	}
}

func TestTheLinkerIsBelieved(t *testing.T) {
	t.Parallel()

	dir := t.TempDir()
	binary := filepath.Join(dir, "shown")
	source := filepath.Join("testdata", "shown", "main.go")
	pkg := "github.com/yourorg/platform/internal/version."
	out, err := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", binary, "-ldflags",
		"-X "+pkg+"Version=v9.8.7 -X "+pkg+"Commit=c0ffee -X "+pkg+"Built=2026-01-02T03:04:05Z", source).CombinedOutput()
	require.NoError(t, err, string(out))
	shown, err := exec.CommandContext(t.Context(), binary).Output()
	require.NoError(t, err)
	require.Equal(t, "platform v9.8.7 (commit c0ffee, built 2026-01-02T03:04:05Z, "+runtime.Version()+")\n", string(shown))
}

func TestTheMakefileNamesTheVariables(t *testing.T) {
	t.Parallel()

	makefile, err := os.ReadFile(filepath.Join("..", "..", "Makefile"))
	require.NoError(t, err)
	for _, name := range []string{"Version", "Commit", "Built"} {
		require.Regexp(t, `-X \S+/internal/version\.`+name+`=`, string(makefile), "the linker ignores a variable that it does not find")
	}
}

func TestGetIsNeverEmpty(t *testing.T) {
	t.Parallel()

	encoded, err := json.Marshal(Get())
	require.NoError(t, err)
	var fields map[string]string
	require.NoError(t, json.Unmarshal(encoded, &fields))
	require.Len(t, fields, 4)
	for _, name := range []string{"version", "commit", "built", "go"} {
		require.NotEmpty(t, fields[name], name)
	}
}
