// Package version says which build this is.
package version

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
)

// The linker sets these: see LDFLAGS in the Makefile. What it leaves empty comes from what the go command wrote into
// the binary.
var (
	Version string // "v1.4.0", or what git describe says
	Commit  string // the full hash
	Built   string // RFC 3339, UTC
)

// Info describes a build. No field is ever empty.
type Info struct {
	Version string `json:"version"` // "dev" when nobody said
	Commit  string `json:"commit"`  // "unknown" when nobody said
	Built   string `json:"built"`   // "unknown" when nobody said; otherwise the time of the build or, failing that, of the commit
	Go      string `json:"go"`      // the version of Go that built it
}

// Get returns what is known about this build.
func Get() Info {
	build, _ := debug.ReadBuildInfo()
	return describe(build)
}

// String is one line for people.
func (i Info) String() string {
	return fmt.Sprintf("platform %s (commit %s, built %s, %s)", i.Version, i.Commit, i.Built, i.Go)
}

// describe fills in what the linker did not say; build may be nil.
func describe(build *debug.BuildInfo) Info {
	var main, revision, committed, modified string
	if build != nil {
		if main = build.Main.Version; main == "(devel)" {
			main = ""
		}
		for _, s := range build.Settings {
			switch s.Key {
			case "vcs.revision":
				revision = s.Value
			case "vcs.time":
				committed = s.Value
			case "vcs.modified":
				modified = s.Value
			}
		}
	}
	if revision != "" && modified == "true" {
		revision += "-dirty"
	}
	return Info{
		Version: cmp.Or(Version, main, "dev"),
		Commit:  cmp.Or(Commit, revision, "unknown"),
		Built:   cmp.Or(Built, committed, "unknown"),
		Go:      runtime.Version(),
	}
}
