package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"go.uber.org/dig"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/app"
	"github.com/yourorg/platform/internal/authz"
	"github.com/yourorg/platform/internal/cli"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/tx"
)

// policies is what the commands work with.
type policies struct {
	fx.In
	Authz *authz.Authorizer
	Tx    tx.Runner
	Trail audit.Recorder
}

func authzCommand() *cobra.Command {
	var out string
	export := &cobra.Command{
		Use: "export", Short: "Write who may do what in casbin's file format", Args: cobra.NoArgs,
		Example: "  platformctl authz export --all > policy.csv\n  platformctl authz export --tenant 01900000-0000-7000-8000-000000000000 -f acme.csv",
		RunE: withPolicies(func(cmd *cobra.Command, p policies, _ []string, tenants []uuid.UUID) error {
			if out == "" {
				return p.Authz.Export(cmd.Context(), cmd.OutOrStdout(), tenants...)
			}
			var b bytes.Buffer // a file is written only once everything has been read
			if err := p.Authz.Export(cmd.Context(), &b, tenants...); err != nil {
				return err
			}
			return os.WriteFile(out, b.Bytes(), 0o600)
		}),
	}
	export.Flags().StringVarP(&out, "file", "f", "", "write to this file instead of standard output")
	var dry bool
	load := &cobra.Command{
		Use: "import FILE", Short: "Replace who may do what by a file in casbin's format; - reads standard input", Args: cobra.ExactArgs(1),
		Example: "  platformctl authz import policy.csv --all --dry-run\n  platformctl authz import acme.csv --tenant 01900000-0000-7000-8000-000000000000",
		RunE: withPolicies(func(cmd *cobra.Command, p policies, args []string, tenants []uuid.UUID) error {
			content, err := read(cmd, args[0])
			if err != nil {
				return err
			}
			done, err := imported(cmd.Context(), p, content, dry, tenants)
			if err != nil {
				return err
			}
			verb := "changed"
			if dry {
				verb = "would change"
			}
			cmd.Printf("%s %d tenants: %d rules added, %d removed\n", verb, len(done.Tenants), done.Added, done.Removed)
			return nil
		}),
	}
	load.Flags().BoolVar(&dry, "dry-run", false, "check the file and count what would change")
	for _, c := range []*cobra.Command{export, load} {
		c.Flags().StringSlice("tenant", nil, "the id of a tenant; can be repeated")
		c.Flags().Bool("all", false, "every tenant")
		c.MarkFlagsMutuallyExclusive("tenant", "all")
		c.PreRunE = func(cmd *cobra.Command, _ []string) error { _, err := chosen(cmd); return err }
	}
	return cli.Group("authz", "Export and import the access policy", "  platformctl authz export --all\n  platformctl authz import policy.csv --all", export, load)
}

// imported runs the import and the record of it in one transaction.
func imported(ctx context.Context, p policies, content []byte, dry bool, tenants []uuid.UUID) (done authz.Imported, err error) {
	err = p.Tx.InTx(ctx, func(ctx context.Context) error {
		if done, err = p.Authz.Import(ctx, bytes.NewReader(content), dry, tenants...); err != nil || dry {
			return err
		}
		for _, t := range done.Tenants {
			if err := p.Trail.Record(ctx, audit.Entry{Action: "access.policy.import", Target: "authz.policy", Tenant: t}); err != nil {
				return err
			}
		}
		return nil
	})
	return done, err
}

// chosen are the tenants that the flags name; none means all of them. An unset variable must not mean all.
func chosen(cmd *cobra.Command) ([]uuid.UUID, error) {
	all, err := cmd.Flags().GetBool("all")
	if err != nil {
		return nil, err
	}
	names, err := cmd.Flags().GetStringSlice("tenant")
	if err != nil {
		return nil, err
	}
	if !all && len(names) == 0 {
		return nil, errors.New("needs --tenant ID or --all")
	}
	var tenants []uuid.UUID
	for _, name := range names {
		id, err := uuid.Parse(name)
		if err != nil || id == uuid.Nil {
			return nil, fmt.Errorf("--tenant %q is not the id of a tenant", name)
		}
		tenants = append(tenants, id)
	}
	return tenants, nil
}

func read(cmd *cobra.Command, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(cmd.InOrStdin())
	}
	return os.ReadFile(name)
}

// withPolicies runs fn with the policy of the configured database.
func withPolicies(fn func(*cobra.Command, policies, []string, []uuid.UUID) error) func(*cobra.Command, []string) error {
	return cli.Run(func(cmd *cobra.Command, args []string) error {
		tenants, err := chosen(cmd)
		if err != nil {
			return err
		}
		loaded, err := cli.Load(cmd)
		if err != nil {
			return err
		}
		var p policies
		a := fx.New(app.Core(loaded.Catalog), loaded.Boundary(), fx.NopLogger,
			fx.Invoke(func(from policies) { p = from }), fx.StartTimeout(time.Minute))
		if err := a.Err(); err != nil {
			return dig.RootCause(err)
		}
		if err := a.Start(cmd.Context()); err != nil {
			return err
		}
		return errors.Join(fn(cmd, p, args, tenants), a.Stop(context.WithoutCancel(cmd.Context())))
	})
}
