package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/dig"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/app"
	"github.com/yourorg/platform/internal/cli"
	"github.com/yourorg/platform/internal/jobs"
	"github.com/yourorg/platform/modules/identity/identityapi"
)

func mfa() *cobra.Command {
	var email string
	reset := &cobra.Command{
		Use: "reset", Short: "Remove the second factors of a user who has lost them; their sessions end", Args: cobra.NoArgs,
		Example: "  platformctl mfa reset --email ada@example.com",
		PreRunE: func(*cobra.Command, []string) error {
			if email == "" {
				return errors.New("--email says whose")
			}
			return nil
		},
		RunE: cli.Run(func(cmd *cobra.Command, _ []string) error {
			loaded, err := cli.Load(cmd)
			if err != nil {
				return err
			}
			var factors identityapi.Factors
			var bound jobs.Bound // the letter about it is a job
			a := fx.New(app.Core(loaded.Catalog), loaded.Boundary(), fx.NopLogger, fx.Populate(&factors, &bound), fx.StartTimeout(time.Minute))
			if err := a.Err(); err != nil {
				return dig.RootCause(err)
			}
			if err := a.Start(cmd.Context()); err != nil {
				return err
			}
			removed, err := factors.Reset(cmd.Context(), email)
			if err = errors.Join(err, a.Stop(context.WithoutCancel(cmd.Context()))); err != nil {
				return err
			}
			if removed == 0 {
				return fmt.Errorf("%s has no second factor", email)
			}
			cmd.Printf("%s signs in with the password alone\n", email)
			return nil
		}),
	}
	reset.Flags().StringVar(&email, "email", "", "the address of the user")
	return cli.Group("mfa", "Help users who have lost their second factor", "  platformctl mfa reset --email ada@example.com", reset)
}
