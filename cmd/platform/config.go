package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/yourorg/platform/internal/cli"
	"github.com/yourorg/platform/internal/secret"
	"github.com/yourorg/platform/pkg/config"
)

func configuration() *cobra.Command {
	print := &cobra.Command{
		Use: "print", Short: "Print every effective value and where it comes from; secrets are masked", Args: cobra.NoArgs,
		Example: "  platform config print\n  platform config print --environment production",
		RunE: cli.Run(func(cmd *cobra.Command, _ []string) error {
			loaded, err := cli.Load(cmd)
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			_, _ = fmt.Fprintln(w, "KEY\tVALUE\tSOURCE")
			for _, v := range loaded.Config.Values() {
				_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", v.Key, v.Text, v.Source)
			}
			return w.Flush()
		}),
	}
	validate := &cobra.Command{
		Use: "validate", Short: "Check the configuration and say nothing when it is good", Args: cobra.NoArgs,
		Example: "  platform config validate --config platform.yaml",
		RunE: cli.Run(func(cmd *cobra.Command, _ []string) error {
			loaded, err := cli.Load(cmd)
			if err != nil {
				return err
			}
			security := secret.DefaultConfig()
			if err := loaded.Config.Unmarshal("security", &security); err != nil {
				return err
			}
			return security.Usable(config.Environment(loaded.Config.Environment()))
		}),
	}
	return cli.Group("config", "Show and check the configuration", "  platform config print", print, validate)
}
