package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/yourorg/platform/internal/httpserver"
	"github.com/yourorg/platform/internal/seed"
	"github.com/yourorg/platform/internal/version"
	"github.com/yourorg/platform/pkg/config"
)

// banner tells the operator where the platform is and, on the very first start, how to sign in.
type banner struct {
	out         io.Writer
	environment string
	server      *httpserver.Server // nil in a process that does not serve
	seeds       *seed.Seeds
}

// show prints once. What the seeders said may hold a password: it goes to a terminal, or to a developer.
func (b *banner) show() {
	if b.server == nil {
		return
	}
	var s strings.Builder
	fmt.Fprintf(&s, "\n  GoPlatform %s (%s)\n\n  URL       %s\n  API docs  %s/docs\n", version.Get().Version, b.environment, b.server.URL(), b.server.URL())
	private := b.environment == string(config.Development) || term.IsTerminal(int(os.Stdout.Fd()))
	if notices := b.seeds.Notices(); private {
		for _, line := range notices {
			fmt.Fprintf(&s, "  %s\n", line)
		}
	}
	_, _ = fmt.Fprintln(b.out, s.String())
}
