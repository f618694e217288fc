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
	"github.com/yourorg/platform/internal/cli"
	"github.com/yourorg/platform/internal/infra/database"
)

func migrate() *cobra.Command {
	var owner string
	var everything bool
	down := migration("down", "Take back the newest migration of a module, or all of every module", "  platform migrate down --module blog\n  platform migrate down --all",
		func(cmd *cobra.Command, m *database.Migrator) error {
			undone, err := m.Down(cmd.Context(), owner)
			return list(cmd, "took back", undone, err)
		})
	down.Flags().StringVar(&owner, "module", "", "the module or core package whose newest migration is taken back")
	down.Flags().BoolVar(&everything, "all", false, "take back every migration: all data is lost")
	down.PreRunE = func(*cobra.Command, []string) error {
		if owner == "" && !everything { // --module "$UNSET" and --all=false must not take back everything
			return errors.New("needs --module NAME or --all")
		}
		return nil
	}
	down.MarkFlagsMutuallyExclusive("module", "all")
	return cli.Group("migrate", "Change the database schema", "  platform migrate up\n  platform migrate status",
		migration("up", "Apply what is missing", "  platform migrate up", func(cmd *cobra.Command, m *database.Migrator) error {
			applied, err := m.Up(cmd.Context())
			return list(cmd, "applied", applied, err)
		}),
		migration("status", "List every migration", "  platform migrate status", status), down)
}

func migration(use, short, example string, fn func(*cobra.Command, *database.Migrator) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Example: example, Args: cobra.NoArgs, RunE: cli.Run(func(cmd *cobra.Command, _ []string) error {
		loaded, err := cli.Load(cmd)
		if err != nil {
			return err
		}
		var m *database.Migrator
		a := fx.New(app.Core(loaded.Catalog), loaded.Boundary(), app.Migrate, fx.NopLogger, fx.Populate(&m), fx.StartTimeout(15*time.Minute))
		if err := a.Err(); err != nil {
			return dig.RootCause(err)
		}
		if err := a.Start(cmd.Context()); err != nil {
			return err
		}
		defer func() { _ = a.Stop(context.WithoutCancel(cmd.Context())) }()
		return fn(cmd, m)
	})}
}

// list prints what was done, also when the next one failed with err, and returns err.
func list(cmd *cobra.Command, verb string, done []database.Migration, err error) error {
	for _, d := range done {
		cmd.Printf("%s %s %s\n", verb, d.Owner, d.File)
	}
	if len(done) == 0 && err == nil {
		cmd.Println("nothing to do")
	}
	return err
}

func status(cmd *cobra.Command, m *database.Migrator) error {
	all, err := m.Status(cmd.Context())
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "OWNER\tFILE\tAPPLIED")
	for _, s := range all {
		applied := "pending"
		if !s.Applied.IsZero() {
			applied = s.Applied.UTC().Format(time.RFC3339)
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", s.Owner, s.File, applied)
	}
	return w.Flush()
}
