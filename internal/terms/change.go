package terms

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"

	"github.com/yourorg/platform/internal/terms/ent/tenantlimits"
	"github.com/yourorg/platform/internal/terms/ent/tenantpolicies"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/terms"
)

// Limits implements terms.Registry.
func (b *Book) Limits(ctx context.Context, id tenant.ID) (l terms.Limits, after terms.Plan, version int, err error) {
	err = b.within(ctx, id, func(ctx context.Context) error {
		if l, version, err = b.readLimits(ctx, id); err != nil {
			return fmt.Errorf("read the limits of a tenant: %w", err)
		}
		plan, err := b.planOf(ctx, l)
		if err != nil {
			return err
		}
		after, after.Grant = plan, b.words.resolve(b.words.base(plan), l).grant()
		return nil
	})
	return l, after, version, err
}

// SetLimits implements terms.Registry.
func (b *Book) SetLimits(ctx context.Context, id tenant.ID, l terms.Limits, ok terms.Accepts) (version int, err error) {
	var f faults
	b.words.rate(&f, "rate", l.Rate)
	b.words.rate(&f, "key_rate", l.KeyRate)
	b.words.quotas(&f, l.Quotas)
	b.words.entitlements(&f, "entitlements", l.Entitlements)
	b.words.entitlements(&f, "withheld", l.Withheld)
	if err := f.err(); err != nil {
		return 0, err
	}
	err = b.within(ctx, id, func(ctx context.Context) error {
		if err := b.choosable(ctx, l.Plan); err != nil {
			return err
		}
		// An empty row to lock, which is no change of its own for the trail: it says the same as none.
		create := b.client.TenantLimits.Create().SetID(id).SetBody(terms.Limits{}).
			OnConflict(sql.ConflictColumns(tenantlimits.FieldID), sql.DoNothing())
		if err := create.Exec(audit.Erasing(ctx)); err != nil && !errors.Is(err, stdsql.ErrNoRows) {
			return fmt.Errorf("set the limits of a tenant: %w", err)
		}
		row, err := b.client.TenantLimits.Query().Where(tenantlimits.ID(id), locked).Only(ctx)
		if err != nil {
			return fmt.Errorf("set the limits of a tenant: %w", err)
		}
		if ok != nil && !ok(row.Version) {
			return terms.ErrChanged
		}
		version = row.Version + 1
		if err := row.Update().SetBody(l).SetPlan(l.Plan).SetVersion(version).Exec(ctx); err != nil {
			return fmt.Errorf("set the limits of a tenant: %w", err)
		}
		return b.feed.Announce(ctx, TopicTenant, id.String())
	})
	return version, err
}

// Policies implements terms.Registry.
func (b *Book) Policies(ctx context.Context, id tenant.ID) (p terms.Policies, version int, err error) {
	err = b.within(ctx, id, func(ctx context.Context) error {
		if p, version, err = b.readPolicies(ctx, id); err != nil {
			return fmt.Errorf("read the policies of a tenant: %w", err)
		}
		return nil
	})
	return p, version, err
}

// SetPolicies implements terms.Registry.
func (b *Book) SetPolicies(ctx context.Context, id tenant.ID, p terms.Policies, ok terms.Accepts) (version int, err error) {
	var f faults
	b.words.policies(&f, p)
	if err := f.err(); err != nil {
		return 0, err
	}
	err = b.within(ctx, id, func(ctx context.Context) error {
		// As in SetLimits.
		create := b.client.TenantPolicies.Create().SetID(id).SetBody(terms.Policies{}).
			OnConflict(sql.ConflictColumns(tenantpolicies.FieldID), sql.DoNothing())
		if err := create.Exec(audit.Erasing(ctx)); err != nil && !errors.Is(err, stdsql.ErrNoRows) {
			return fmt.Errorf("set the policies of a tenant: %w", err)
		}
		row, err := b.client.TenantPolicies.Query().Where(tenantpolicies.ID(id), locked).Only(ctx)
		if err != nil {
			return fmt.Errorf("set the policies of a tenant: %w", err)
		}
		if ok != nil && !ok(row.Version) {
			return terms.ErrChanged
		}
		version = row.Version + 1
		if err := row.Update().SetBody(p).SetVersion(version).Exec(ctx); err != nil {
			return fmt.Errorf("set the policies of a tenant: %w", err)
		}
		return b.feed.Announce(ctx, TopicTenant, id.String())
	})
	return version, err
}

// within works in a tenant that is not the caller's, and in a transaction.
func (b *Book) within(ctx context.Context, id tenant.ID, fn func(context.Context) error) error {
	return b.run.InTx(ctx, func(ctx context.Context) error {
		known, err := b.tenants.Known(ctx, id)
		if err != nil {
			return err
		}
		if !known {
			return terms.ErrUnknownTenant
		}
		return fn(tenant.NewContext(ctx, id))
	})
}

// choosable makes sure that a plan is there, and stays until the transaction ends.
func (b *Book) choosable(ctx context.Context, name string) error {
	if _, configured := b.plans[name]; configured || name == "" {
		return nil
	}
	err := b.lockPlan(ctx, name)
	if errors.Is(err, terms.ErrUnknownPlan) {
		return terms.ErrInvalid.With(problem.Field{Field: "plan", Code: "unknown", Message: "is no plan"})
	}
	return err
}

// locked makes changes of one row take turns. SQLite has one writer at a time.
func locked(s *sql.Selector) {
	if s.Dialect() == dialect.Postgres {
		s.ForUpdate()
	}
}
