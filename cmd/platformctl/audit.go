package main

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"go.uber.org/dig"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/app"
	"github.com/yourorg/platform/internal/audit"
	"github.com/yourorg/platform/internal/cli"
	pkgaudit "github.com/yourorg/platform/pkg/audit"
)

func auditCommand() *cobra.Command {
	return cli.Group("audit", "Verify and export the audit trail", "  platformctl audit verify\n  platformctl audit export --tenant 0190… --out trail.ndjson", auditVerify(), auditExport())
}

func auditVerify() *cobra.Command {
	var file, owner, output string
	var trusted []string
	c := &cobra.Command{
		Use: "verify", Short: "Name every event that was altered, removed, moved or added", Args: cobra.NoArgs,
		Long: "Holds the trail in the database, or in an NDJSON export, against its hash chains and signatures, and exits 1 when\n" +
			"anything is wrong. It changes nothing. Events that wait to be sealed, as after a crash, are counted and no fault.",
		Example: "  platformctl audit verify\n  platformctl audit verify --file trail.ndjson --key 3cS5…=",
		PreRunE: func(*cobra.Command, []string) error {
			switch {
			case !slices.Contains([]string{"text", "json"}, output):
				return fmt.Errorf("-o %s: text and json are known", output)
			case len(trusted) > 0 && file == "":
				return errors.New("--key is for --file: the keys of a database are its own")
			}
			return nil
		},
		RunE: cli.Run(func(cmd *cobra.Command, _ []string) error {
			var report *audit.Report
			var err error
			if file != "" {
				report, err = verifyFile(cmd, file, trusted)
			} else {
				report, err = verifyDatabase(cmd, owner)
			}
			if err != nil {
				return err
			}
			if err := show(cmd.OutOrStdout(), output, report); err != nil {
				return err
			}
			if n := len(report.Faults); n > 0 {
				return fmt.Errorf("the audit trail cannot be trusted: faults: %d", n)
			}
			return nil
		}),
	}
	c.Flags().StringVar(&file, "file", "", "verify this NDJSON export instead of the database; - is standard input")
	c.Flags().StringVar(&owner, "tenant", "", "verify the chain of this tenant only")
	c.Flags().StringArrayVar(&trusted, "key", nil, "trust this public key only (base64, as verify prints it); can be repeated")
	c.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	c.MarkFlagsMutuallyExclusive("file", "tenant")
	return c
}

func verifyFile(cmd *cobra.Command, name string, trusted []string) (*audit.Report, error) {
	var keys []ed25519.PublicKey
	for _, text := range trusted {
		key, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil || len(key) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("--key %s: it is not the base64 of an Ed25519 public key", text)
		}
		keys = append(keys, key)
	}
	if name == "-" {
		return audit.VerifyExport(cmd.InOrStdin(), keys...)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return audit.VerifyExport(f, keys...)
}

func verifyDatabase(cmd *cobra.Command, owner string) (report *audit.Report, err error) {
	var v *audit.Verifier
	return report, withGraph(cmd, fx.Populate(&v), func(ctx context.Context) error {
		if owner == "" {
			report, err = v.Verify(ctx)
			return err
		}
		id, err := uuid.Parse(owner)
		if err != nil {
			return fmt.Errorf("--tenant %s: %w", owner, err)
		}
		report, err = v.VerifyTenant(ctx, id)
		return err
	})
}

// show prints the findings, and the keys that they rely on.
func show(w io.Writer, format string, report *audit.Report) error {
	keys := make([]string, len(report.Keys))
	for i, k := range report.Keys {
		keys[i] = base64.StdEncoding.EncodeToString(k.Key)
	}
	if format == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(struct {
			*audit.Report
			Keys []string `json:"keys"`
		}{report, keys})
	}
	for _, f := range report.Faults {
		if _, err := fmt.Fprintln(w, f); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "tenants: %d, events: %d, waiting to be sealed: %d, checkpoints: %d, faults: %d\n",
		report.Tenants, report.Events, report.Unsealed, report.Checkpoints, len(report.Faults))
	for _, k := range keys {
		_, err = fmt.Fprintln(w, "signed with the key", k)
	}
	return err
}

func auditExport() *cobra.Command {
	var owner, format, file string
	c := &cobra.Command{
		Use: "export", Short: "Write the trail of a tenant to a file", Args: cobra.NoArgs,
		Example: "  platformctl audit export --tenant 0190… > trail.ndjson\n  platformctl audit export --tenant 0190… --format csv --out trail.csv",
		PreRunE: func(*cobra.Command, []string) error {
			if !slices.Contains([]pkgaudit.Format{pkgaudit.NDJSON, pkgaudit.CSV}, pkgaudit.Format(format)) {
				return fmt.Errorf("--format %s: ndjson and csv are known", format)
			}
			if _, err := uuid.Parse(owner); err != nil {
				return fmt.Errorf("--tenant %s: %w", owner, err)
			}
			return nil
		},
		RunE: cli.Run(func(cmd *cobra.Command, _ []string) error {
			var x *audit.Exporter
			return withGraph(cmd, fx.Populate(&x), func(ctx context.Context) error {
				out := func(w io.Writer) error {
					return x.ExportTenant(ctx, uuid.MustParse(owner), pkgaudit.Format(format), w)
				}
				if file == "" {
					return out(cmd.OutOrStdout())
				}
				return into(file, out)
			})
		}),
	}
	c.Flags().StringVar(&owner, "tenant", "", "whose trail; the platform's own is 00000000-0000-0000-0000-000000000000")
	c.Flags().StringVar(&format, "format", string(pkgaudit.NDJSON), "ndjson, which verify --file reads, or csv")
	c.Flags().StringVar(&file, "out", "", "the file; standard output when left out")
	_ = c.MarkFlagRequired("tenant") // the flag is the one above
	return c
}

// into leaves no part of an export behind when it fails.
func into(name string, fn func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(fn(f), f.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}

// withGraph runs fn while what target asks for is there.
func withGraph(cmd *cobra.Command, target fx.Option, fn func(context.Context) error) error {
	loaded, err := cli.Load(cmd)
	if err != nil {
		return err
	}
	a := fx.New(app.Core(loaded.Catalog), loaded.Boundary(), fx.NopLogger, target, fx.StartTimeout(time.Minute))
	if err := a.Err(); err != nil {
		return dig.RootCause(err)
	}
	ctx := cmd.Context()
	if err := a.Start(ctx); err != nil {
		return err
	}
	return errors.Join(fn(ctx), a.Stop(context.WithoutCancel(ctx)))
}
