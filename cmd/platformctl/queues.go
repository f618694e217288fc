package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/yourorg/platform/internal/cli"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/job"
)

func queuesCommand() *cobra.Command {
	list := &cobra.Command{
		Use: "list", Short: "Show how each queue does", Args: cobra.NoArgs, Example: "  platformctl queues list",
		RunE: withJobs(func(cmd *cobra.Command, w working, _ []string) error {
			queues, err := w.Jobs.Queues(cmd.Context())
			if err != nil {
				return err
			}
			return table(cmd.OutOrStdout(), "QUEUE\tWORKERS\tPAUSED\tQUEUED\tRUNNING\tRETRYING\tSCHEDULED\tFAILED\tOLDEST\tLATENCY\tPER SECOND", func(line func(...any)) {
				for _, q := range queues {
					line(q.Name, q.Workers, q.Paused, q.Queued, q.Running, q.Retrying, q.Scheduled, q.Failed, when(q.Oldest),
						q.Latency.Round(time.Millisecond), fmt.Sprintf("%.1f", q.Throughput))
				}
			})
		}),
	}
	return cli.Group("queues", "Show the queues of jobs, pause and resume them", "  platformctl queues list\n  platformctl queues pause default",
		list,
		switched("queues", "pause", "Keep the jobs of a queue from being begun", "ops.queue.pause", func(i job.Inspector, ctx context.Context, name string) error { return i.PauseQueue(ctx, name, true) }),
		switched("queues", "resume", "Let the jobs of a queue be begun again", "ops.queue.resume", func(i job.Inspector, ctx context.Context, name string) error { return i.PauseQueue(ctx, name, false) }))
}

func schedulesCommand() *cobra.Command {
	list := &cobra.Command{
		Use: "list", Short: "Show when each schedule fires", Args: cobra.NoArgs, Example: "  platformctl schedules list",
		RunE: withJobs(func(cmd *cobra.Command, w working, _ []string) error {
			schedules, err := w.Jobs.Schedules(cmd.Context())
			if err != nil {
				return err
			}
			return table(cmd.OutOrStdout(), "SCHEDULE\tSPEC\tZONE\tKIND\tPAUSED\tNEXT\tLAST", func(line func(...any)) {
				for _, s := range schedules {
					line(s.Name, s.Spec, s.Zone, s.Kind, s.Paused, when(s.Next), when(s.Last))
				}
			})
		}),
	}
	return cli.Group("schedules", "Show the schedules, pause, resume and run them", "  platformctl schedules list\n  platformctl schedules run blog.nightly_digest",
		list,
		switched("schedules", "pause", "Keep a schedule from firing", "ops.schedule.pause", func(i job.Inspector, ctx context.Context, name string) error { return i.PauseSchedule(ctx, name, true) }),
		switched("schedules", "resume", "Let a schedule fire again; what it has missed is left out", "ops.schedule.resume", func(i job.Inspector, ctx context.Context, name string) error {
			return i.PauseSchedule(ctx, name, false)
		}),
		switched("schedules", "run", "Ask for the job of a schedule now", "ops.schedule.run", func(i job.Inspector, ctx context.Context, name string) error {
			_, err := i.RunSchedule(ctx, name)
			return err
		}))
}

// switched is a command that changes the queue or schedule of a name.
func switched(group, verb, short, action string, change func(job.Inspector, context.Context, string) error) *cobra.Command {
	return &cobra.Command{
		Use: verb + " NAME", Short: short, Args: cobra.ExactArgs(1), Example: "  platformctl " + group + " " + verb + " NAME",
		RunE: withJobs(func(cmd *cobra.Command, w working, args []string) error {
			return w.Tx.InTx(cmd.Context(), func(ctx context.Context) error {
				if err := change(w.Jobs, ctx, args[0]); err != nil {
					return err
				}
				return w.Trail.Record(ctx, audit.Entry{Action: action, Target: group[:len(group)-1] + ":" + args[0]})
			})
		}),
	}
}

// when is a time for a table.
func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format(time.RFC3339)
}
