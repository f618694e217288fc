// Command platform is the deployed binary.
package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/yourorg/platform/internal/cli"
)

func main() { os.Exit(cli.Main(root())) }

func root() *cobra.Command {
	c := cli.Group("platform", "A modular SaaS platform in one binary", "  platform all\n  PLATFORM_DATABASE_URL=postgres://… platform serve",
		serve(), work(), all(), migrate(), configuration(), health(), versionCommand())
	return cli.Root(c)
}
