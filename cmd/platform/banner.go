package main

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/yourorg/platform/internal/httpserver"
	"github.com/yourorg/platform/internal/management"
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
	management  *management.Server // nil without http.management_addr
}

// show prints once.
func (b *banner) show() {
	if b.server == nil {
		return
	}
	url := b.server.URL()
	_, _ = fmt.Fprintf(b.out, "\n  GoPlatform %s (%s)\n\n  URL       %s\n  API docs  %s/docs\n", version.Get().Version, b.environment, url, url)
	if b.management != nil {
		_, _ = fmt.Fprintf(b.out, "  Metrics   %s/metrics\n", b.management.URL())
	}
	b.notices()
	_, _ = fmt.Fprintln(b.out)
}

// notices prints what the seeders said, which may hold a password: it goes to a terminal, or to a developer.
func (b *banner) notices() {
	private := b.environment == string(config.Development) || term.IsTerminal(int(os.Stdout.Fd()))
	if b.seeds == nil || !private {
		return
	}
	for _, line := range b.seeds.Notices() {
		_, _ = fmt.Fprintf(b.out, "  %s\n", line)
	}
}
