package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"go.uber.org/dig"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/app"
	"github.com/yourorg/platform/internal/cli"
	"github.com/yourorg/platform/internal/jobs"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/job"
	"github.com/yourorg/platform/pkg/tx"
)

// working is what the commands about jobs need.
type working struct {
	fx.In
	Jobs  job.Inspector
	Tx    tx.Runner
	Trail audit.Recorder
	Bound jobs.Bound
}

func jobsCommand() *cobra.Command {
	return cli.Group("jobs", "Show jobs, and retry, cancel or delete them", "  platformctl jobs list --state failed\n  platformctl jobs show ID",
		jobsList(), jobsShow(),
		jobsChange("retry", "Have a job tried as soon as possible", job.Inspector.Retry),
		jobsChange("cancel", "End a job", job.Inspector.Cancel),
		jobsChange("delete", "Remove a job that is not running", job.Inspector.Delete))
}

func jobsList() *cobra.Command {
	var f job.Filter
	var owner string
	c := &cobra.Command{
		Use: "list", Short: "List jobs, newest first", Args: cobra.NoArgs,
		Example: "  platformctl jobs list --state failed --state retrying --queue default --limit 20",
		RunE: withJobs(func(cmd *cobra.Command, w working, _ []string) (err error) {
			if owner != "" {
				if f.Tenant, err = uuid.Parse(owner); err != nil {
					return fmt.Errorf("--tenant %q is not the id of a tenant", owner)
				}
			}
			list, err := w.Jobs.Jobs(cmd.Context(), f)
			if err != nil {
				return err
			}
			return table(cmd.OutOrStdout(), "ID\tKIND\tQUEUE\tSTATE\tATTEMPT\tTENANT\tDUE\tCHANGED\tERROR", func(line func(...any)) {
				for _, j := range list {
					line(j.ID, j.Kind, j.Queue, j.State, fmt.Sprintf("%d/%d", j.Attempt, j.MaxAttempts), j.Tenant,
						j.Due.Format(time.RFC3339), j.Changed.Format(time.RFC3339), fmt.Sprintf("%q", j.Error))
				}
			})
		}),
	}
	c.Flags().StringArrayVar(&f.States, "state", nil, "only this state; it may be repeated")
	c.Flags().StringVar(&f.Queue, "queue", "", "only this queue")
	c.Flags().StringVar(&f.Kind, "kind", "", "only this kind")
	c.Flags().StringVar(&owner, "tenant", "", "only the jobs of this tenant")
	c.Flags().IntVar(&f.Limit, "limit", 50, "how many at the most")
	return c
}

func jobsShow() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Show a job, its arguments and its result", Args: cobra.ExactArgs(1),
		Example: "  platformctl jobs show 01900000-0000-7000-8000-000000000000",
		RunE: withJobs(func(cmd *cobra.Command, w working, args []string) error {
			id, err := uuid.Parse(args[0])
			if err != nil {
				return fmt.Errorf("%q is not the id of a job", args[0])
			}
			j, err := w.Jobs.Job(cmd.Context(), id)
			if err != nil {
				return err
			}
			encoder := json.NewEncoder(cmd.OutOrStdout())
			encoder.SetIndent("", "  ")
			return encoder.Encode(j)
		}),
	}
}

func jobsChange(name, short string, change func(job.Inspector, context.Context, uuid.UUID) error) *cobra.Command {
	return &cobra.Command{
		Use: name + " ID", Short: short, Args: cobra.ExactArgs(1),
		Example: "  platformctl jobs " + name + " 01900000-0000-7000-8000-000000000000",
		RunE: withJobs(func(cmd *cobra.Command, w working, args []string) error {
			id, err := uuid.Parse(args[0])
			if err != nil {
				return fmt.Errorf("%q is not the id of a job", args[0])
			}
			return w.Tx.InTx(cmd.Context(), func(ctx context.Context) error {
				j, err := w.Jobs.Job(ctx, id)
				if err != nil {
					return err
				}
				if err := change(w.Jobs, ctx, id); err != nil {
					return err
				}
				return w.Trail.Record(ctx, audit.Entry{Action: "ops.job." + name, Target: "job:" + id.String(), Tenant: j.Tenant})
			})
		}),
	}
}

// withJobs runs fn with the jobs of the configured database.
func withJobs(fn func(*cobra.Command, working, []string) error) func(*cobra.Command, []string) error {
	return cli.Run(func(cmd *cobra.Command, args []string) error {
		loaded, err := cli.Load(cmd)
		if err != nil {
			return err
		}
		var w working
		a := fx.New(app.Core(loaded.Catalog), loaded.Boundary(), fx.NopLogger,
			fx.Invoke(func(from working) { w = from }), fx.StartTimeout(time.Minute))
		if err := a.Err(); err != nil {
			return dig.RootCause(err)
		}
		if err := a.Start(cmd.Context()); err != nil {
			return err
		}
		return errors.Join(fn(cmd, w, args), a.Stop(context.WithoutCancel(cmd.Context())))
	})
}
