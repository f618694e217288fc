package main

import (
	"os"

	"github.com/spf13/cobra"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/activation"
	"github.com/yourorg/platform/internal/app"
	"github.com/yourorg/platform/internal/cli"
	"github.com/yourorg/platform/internal/lifecycle"
)

func serve() *cobra.Command {
	return process("serve", "Answer HTTP requests", app.Serve, true)
}

func work() *cobra.Command {
	return process("work", "Do background work: remove expired sessions and tokens", app.Work, false)
}

func all() *cobra.Command {
	return process("all", "Serve and work in one process", app.All, true)
}

func process(use, short string, root fx.Option, serves bool) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs, Example: "  platform " + use + "\n  platform " + use + " --set http.addr=:9000",
		RunE: cli.Run(func(cmd *cobra.Command, _ []string) error {
			loaded, err := cli.Load(cmd)
			if err != nil {
				return err
			}
			stop, err := loaded.StopTimeout()
			if err != nil {
				return err
			}
			b := &banner{out: cmd.OutOrStdout(), environment: loaded.Config.Environment()}
			sockets, err := activation.Take(os.Getenv, os.Getpid())
			if err != nil {
				return err
			}
			opts := []fx.Option{app.Core(loaded.Catalog), loaded.Boundary(), loaded.Process(root), fx.Supply(sockets)}
			if serves {
				opts = append(opts, fx.Populate(&b.server, &b.seeds))
			}
			if serves && loaded.Managed() {
				opts = append(opts, fx.Populate(&b.management))
			}
			return run(cmd.Context(), b, limits{lifecycle.StartTimeout, stop}, opts...)
		}),
	}
}
