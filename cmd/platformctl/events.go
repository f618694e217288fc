package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"go.uber.org/dig"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/app"
	"github.com/yourorg/platform/internal/cli"
	"github.com/yourorg/platform/internal/outbox"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/event"
	"github.com/yourorg/platform/pkg/tx"
)

// published is what the commands about events need.
type published struct {
	fx.In
	Events event.Inspector
	Tx     tx.Runner
	Trail  audit.Recorder
	Bound  outbox.Bound
}

func eventsCommand() *cobra.Command {
	return cli.Group("events", "Show events and have them delivered again", "  platformctl events list\n  platformctl events parked",
		eventsList(), eventsShow(), eventsParked(), eventsReplay())
}

func eventsList() *cobra.Command {
	var f event.Filter
	var owner string
	c := &cobra.Command{
		Use: "list", Short: "List what was published, newest first", Args: cobra.NoArgs,
		Example: "  platformctl events list --topic blog.post.published --limit 20",
		RunE: withEvents(func(cmd *cobra.Command, p published, _ []string) (err error) {
			if owner != "" {
				if f.Tenant, err = uuid.Parse(owner); err != nil {
					return fmt.Errorf("--tenant %q is not the id of a tenant", owner)
				}
			}
			all, err := p.Events.Events(cmd.Context(), f)
			if err != nil {
				return err
			}
			return table(cmd.OutOrStdout(), "ID\tTIME\tTOPIC\tTENANT\tKEY", func(line func(...any)) {
				for _, e := range all {
					line(e.ID, e.Time.Format(time.RFC3339), e.Topic, e.Tenant, e.Key)
				}
			})
		}),
	}
	c.Flags().StringVar(&f.Topic, "topic", "", "only this topic")
	c.Flags().StringVar(&owner, "tenant", "", "only the events of this tenant")
	c.Flags().IntVar(&f.Limit, "limit", 50, "how many at the most")
	return c
}

func eventsShow() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Show an event, its data and who has not handled it", Args: cobra.ExactArgs(1),
		Example: "  platformctl events show 01900000-0000-7000-8000-000000000000",
		RunE: withEvents(func(cmd *cobra.Command, p published, args []string) error {
			id, err := uuid.Parse(args[0])
			if err != nil {
				return fmt.Errorf("%q is not the id of an event", args[0])
			}
			e, left, err := p.Events.Event(cmd.Context(), id)
			if err != nil {
				return err
			}
			encoder := json.NewEncoder(cmd.OutOrStdout())
			encoder.SetIndent("", "  ")
			if err := encoder.Encode(e); err != nil {
				return err
			}
			return deliveries(cmd.OutOrStdout(), left)
		}),
	}
}

func eventsParked() *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use: "parked", Short: "List what was given up on, the longest-standing first", Args: cobra.NoArgs, Example: "  platformctl events parked",
		RunE: withEvents(func(cmd *cobra.Command, p published, _ []string) error {
			all, err := p.Events.Parked(cmd.Context(), "", limit)
			if err != nil {
				return err
			}
			return deliveries(cmd.OutOrStdout(), all)
		}),
	}
	c.Flags().IntVar(&limit, "limit", 50, "how many at the most")
	return c
}

func eventsReplay() *cobra.Command {
	var subscriber string
	c := &cobra.Command{
		Use: "replay ID", Short: "Deliver an event again to all for which it is parked, or to one subscriber", Args: cobra.ExactArgs(1),
		Example: "  platformctl events replay 01900000-0000-7000-8000-000000000000 --subscriber search.indexer",
		RunE: withEvents(func(cmd *cobra.Command, p published, args []string) error {
			id, err := uuid.Parse(args[0])
			if err != nil {
				return fmt.Errorf("%q is not the id of an event", args[0])
			}
			var n int
			err = p.Tx.InTx(cmd.Context(), func(ctx context.Context) error {
				e, _, err := p.Events.Event(ctx, id)
				if err != nil {
					return err
				}
				if n, err = p.Events.Replay(ctx, id, subscriber); err != nil {
					return err
				}
				return p.Trail.Record(ctx, audit.Entry{Action: "ops.event.replay", Target: "event:" + id.String(), Tenant: e.Tenant})
			})
			if err != nil {
				return err
			}
			cmd.Printf("will be delivered again: %d\n", n)
			return nil
		}),
	}
	c.Flags().StringVar(&subscriber, "subscriber", "", "this subscriber, whether or not it has handled the event")
	return c
}

func deliveries(w io.Writer, all []event.Delivery) error {
	return table(w, "EVENT\tTOPIC\tSUBSCRIBER\tSTATE\tATTEMPTS\tCHANGED\tERROR", func(line func(...any)) {
		for _, d := range all {
			line(d.Event, d.Topic, d.Subscriber, d.State, d.Attempts, d.Changed.Format(time.RFC3339), fmt.Sprintf("%q", d.Error))
		}
	})
}

func table(out io.Writer, head string, fill func(line func(...any))) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, head)
	fill(func(cells ...any) {
		for i, c := range cells {
			if i > 0 {
				_, _ = fmt.Fprint(w, "\t")
			}
			_, _ = fmt.Fprint(w, c)
		}
		_, _ = fmt.Fprintln(w)
	})
	return w.Flush()
}

// withEvents runs fn with the events of the configured database.
func withEvents(fn func(*cobra.Command, published, []string) error) func(*cobra.Command, []string) error {
	return cli.Run(func(cmd *cobra.Command, args []string) error {
		loaded, err := cli.Load(cmd)
		if err != nil {
			return err
		}
		var p published
		a := fx.New(app.Core(loaded.Catalog), loaded.Boundary(), fx.NopLogger,
			fx.Invoke(func(from published) { p = from }), fx.StartTimeout(time.Minute))
		if err := a.Err(); err != nil {
			return dig.RootCause(err)
		}
		if err := a.Start(cmd.Context()); err != nil {
			return err
		}
		return errors.Join(fn(cmd, p, args), a.Stop(context.WithoutCancel(cmd.Context())))
	})
}
