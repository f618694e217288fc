package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/dig"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/app"
	"github.com/yourorg/platform/internal/auth"
	"github.com/yourorg/platform/internal/cli"
)

// byDefault stands for the overlap that the configuration asks for.
const byDefault = -1

func keys() *cobra.Command {
	list := &cobra.Command{
		Use: "list", Short: "List the keys that sign or verify access tokens", Args: cobra.NoArgs, Example: "  platformctl keys list",
		RunE: withKeys(func(cmd *cobra.Command, k *auth.Keys) error {
			all, err := k.List(cmd.Context())
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			_, _ = fmt.Fprintln(w, "KID\tCREATED\tRETIRED\tVERIFIES UNTIL")
			for _, key := range all {
				_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", key.ID, moment(key.CreatedAt), moment(key.RetiredAt), moment(key.VerifiesUntil))
			}
			return w.Flush()
		}),
	}
	var overlap time.Duration
	rotate := &cobra.Command{
		Use: "rotate", Short: "Sign with a new key, on every replica within a second; the old ones go on verifying for a while", Args: cobra.NoArgs,
		Example: "  platformctl keys rotate\n  platformctl keys rotate --retire-after 0s",
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("retire-after") && overlap < 0 {
				return errors.New("--retire-after must not be negative")
			}
			return nil
		},
		RunE: withKeys(func(cmd *cobra.Command, k *auth.Keys) error {
			if overlap == byDefault {
				overlap = k.Overlap()
			}
			done, err := k.Rotate(cmd.Context(), overlap)
			if err != nil {
				return err
			}
			cmd.Printf("%s signs\n", done.New.ID)
			for _, old := range done.Retired {
				cmd.Printf("%s verifies until %s\n", old.ID, moment(old.VerifiesUntil))
			}
			return nil
		}),
	}
	rotate.Flags().DurationVar(&overlap, "retire-after", byDefault,
		"how long the old keys go on verifying; until their last token has expired when left out, and 0s ends every token at once")
	rotate.Flags().Lookup("retire-after").DefValue = "auth.access_ttl and a little more"
	return cli.Group("keys", "Look at and change the keys that sign access tokens", "  platformctl keys list\n  platformctl keys rotate", list, rotate)
}

// withKeys runs fn with the keys of the configured database, which are opened with the configured encryption key.
func withKeys(fn func(*cobra.Command, *auth.Keys) error) func(*cobra.Command, []string) error {
	return cli.Run(func(cmd *cobra.Command, _ []string) error {
		loaded, err := cli.Load(cmd)
		if err != nil {
			return err
		}
		var k *auth.Keys
		a := fx.New(app.Core(loaded.Catalog), loaded.Boundary(), fx.NopLogger, fx.Populate(&k), fx.StartTimeout(time.Minute))
		if err := a.Err(); err != nil {
			return dig.RootCause(err)
		}
		if err := a.Start(cmd.Context()); err != nil {
			return err
		}
		return errors.Join(fn(cmd, k), a.Stop(context.WithoutCancel(cmd.Context())))
	})
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}
