// Command platformctl is for the people who develop and operate the platform.
package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/yourorg/platform/internal/cli"
)

func main() { os.Exit(cli.Main(root())) }

func root() *cobra.Command {
	c := cli.Group("platformctl", "Develop and operate the platform", "  platformctl modules list\n  platformctl modules show blog -o yaml",
		modulesCommand(), auditCommand(), authzCommand(), eventsCommand(), jobsCommand(), queuesCommand(), schedulesCommand(),
		notifyCommand(), keys(), mfa(), generate())
	return cli.Root(c)
}
