package terms

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"entgo.io/ent/dialect/sql"

	"github.com/yourorg/platform/internal/terms/ent"
	entplan "github.com/yourorg/platform/internal/terms/ent/plan"
	"github.com/yourorg/platform/internal/terms/ent/tenantlimits"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/terms"
)

// Plans implements terms.Registry.
func (b *Book) Plans(ctx context.Context) ([]terms.Plan, error) {
	rows, err := b.client.Plan.Query().All(ctx)
	if err != nil {
		return nil, fmt.Errorf("list plans: %w", err)
	}
	all := make([]terms.Plan, 0, len(rows)+len(b.plans))
	for _, row := range rows {
		if _, configured := b.plans[row.ID]; !configured { // a later configuration wins over what was made before
			all = append(all, toPlan(row))
		}
	}
	for _, p := range b.plans {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b terms.Plan) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// Plan implements terms.Registry.
func (b *Book) Plan(ctx context.Context, name string) (terms.Plan, error) {
	if p, configured := b.plans[name]; configured {
		return p, nil
	}
	row, err := b.client.Plan.Get(ctx, name)
	if ent.IsNotFound(err) {
		return terms.Plan{}, terms.ErrUnknownPlan
	}
	if err != nil {
		return terms.Plan{}, fmt.Errorf("find a plan: %w", err)
	}
	return toPlan(row), nil
}

// SetPlan implements terms.Registry.
func (b *Book) SetPlan(ctx context.Context, p terms.Plan, ok terms.AcceptsPlan) (version int, err error) {
	if _, configured := b.plans[p.Name]; configured {
		return 0, terms.ErrConfigured
	}
	var f faults
	if !planName.MatchString(p.Name) {
		f.add("name", "invalid", "must be up to 50 lower-case letters, digits, - and _, and begin with a letter")
	}
	if utf8.RuneCountInString(p.Description) > maxText {
		f.add("description", "too_long", "must be at most %d characters", maxText)
	}
	b.words.grant(&f, p.Grant)
	if err := f.err(); err != nil {
		return 0, err
	}
	err = b.run.InTx(ctx, func(ctx context.Context) error {
		create := b.client.Plan.Create().SetID(p.Name).SetBody(terms.Grant{}).OnConflict(sql.ConflictColumns(entplan.FieldID), sql.DoNothing())
		if err := create.Exec(ctx); err != nil && !errors.Is(err, stdsql.ErrNoRows) {
			return fmt.Errorf("set a plan: %w", err)
		}
		row, err := b.client.Plan.Query().Where(entplan.ID(p.Name), locked).Only(ctx)
		if err != nil {
			return fmt.Errorf("set a plan: %w", err)
		}
		if ok != nil && !ok(toPlan(row)) {
			return terms.ErrChanged
		}
		version = row.Version + 1
		if err := row.Update().SetDescription(p.Description).SetBody(p.Grant).SetVersion(version).Exec(ctx); err != nil {
			return fmt.Errorf("set a plan: %w", err)
		}
		return b.feed.Announce(ctx, TopicPlan, p.Name)
	})
	return version, err
}

// DeletePlan implements terms.Registry.
func (b *Book) DeletePlan(ctx context.Context, name string, ok terms.AcceptsPlan) error {
	if _, configured := b.plans[name]; configured {
		return terms.ErrConfigured
	}
	return b.run.InTx(ctx, func(ctx context.Context) error {
		if err := b.lockPlan(ctx, name); err != nil {
			return err
		}
		row, err := b.client.Plan.Get(ctx, name)
		if err != nil {
			return fmt.Errorf("delete a plan: %w", err)
		}
		if ok != nil && !ok(toPlan(row)) {
			return terms.ErrChanged
		}
		used, err := b.client.TenantLimits.Query().Where(tenantlimits.Plan(name)).Exist(tenant.System(ctx, "delete a plan"))
		if err != nil {
			return fmt.Errorf("look for tenants that have a plan: %w", err)
		}
		if used {
			return terms.ErrInUse
		}
		if err := b.client.Plan.DeleteOneID(name).Exec(ctx); err != nil {
			return fmt.Errorf("delete a plan: %w", err)
		}
		return b.feed.Announce(ctx, TopicPlan, name)
	})
}

// lockPlan keeps a plan from being deleted while somebody is given it, and the other way round.
func (b *Book) lockPlan(ctx context.Context, name string) error {
	_, err := b.client.Plan.Query().Where(entplan.ID(name), locked).OnlyID(ctx)
	if ent.IsNotFound(err) {
		return terms.ErrUnknownPlan
	}
	return err
}

func toPlan(row *ent.Plan) terms.Plan {
	return terms.Plan{Name: row.ID, Description: row.Description, Grant: row.Body, Version: row.Version}
}
