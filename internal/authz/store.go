package authz

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/yourorg/platform/internal/authz/ent"
	"github.com/yourorg/platform/internal/authz/ent/predicate"
	entrule "github.com/yourorg/platform/internal/authz/ent/rule"
)

// batchSize keeps a statement below the limit on parameters of either engine.
const batchSize = 500

// rules reads those that match. It leaves out the columns that decisions do not need.
func (a *Authorizer) rules(ctx context.Context, match ...predicate.Rule) ([]rule, error) {
	rows, err := a.client.Rule.Query().Where(match...).Select(entrule.FieldTenantID, entrule.FieldPtype,
		entrule.FieldV0, entrule.FieldV1, entrule.FieldV2, entrule.FieldV3, entrule.FieldV4, entrule.FieldV5).All(ctx)
	if err != nil {
		return nil, err
	}
	rules := make([]rule, 0, len(rows))
	for _, row := range rows {
		if r, ok := fromRow(row); ok {
			rules = append(rules, r)
		}
	}
	return rules, nil
}

// insert stores the rules that are not there yet, and announces their tenants. It must run in a transaction. A unique
// violation would abort a transaction on Postgres, so a rule that is there is passed over by the statement itself.
func (a *Authorizer) insert(ctx context.Context, rules []rule) error {
	for batch := range slices.Chunk(rules, batchSize) {
		creates := make([]*ent.RuleCreate, 0, len(batch))
		for _, r := range batch {
			v := r.values()
			creates = append(creates, a.client.Rule.Create().
				SetTenantID(r.tenant).SetPtype(r.ptype).SetV0(v[0]).SetV1(v[1]).SetV2(v[2]))
		}
		err := a.client.Rule.CreateBulk(creates...).OnConflictColumns(
			entrule.FieldTenantID, entrule.FieldPtype, entrule.FieldV0, entrule.FieldV1, entrule.FieldV2,
			entrule.FieldV3, entrule.FieldV4, entrule.FieldV5,
		).DoNothing().Exec(ctx)
		if err != nil {
			return err
		}
	}
	return a.changedAll(ctx, rules)
}

// remove deletes the rules that match, and announces their tenants. It must run in a transaction.
func (a *Authorizer) remove(ctx context.Context, match ...predicate.Rule) error {
	var tenants []uuid.UUID
	err := a.client.Rule.Query().Where(match...).Unique(true).Select(entrule.FieldTenantID).Scan(ctx, &tenants)
	if err != nil {
		return err
	}
	if _, err := a.client.Rule.Delete().Where(match...).Exec(ctx); err != nil {
		return err
	}
	for _, t := range tenants {
		if err := a.changed(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

func (a *Authorizer) changedAll(ctx context.Context, rules []rule) error {
	done := map[uuid.UUID]bool{}
	for _, r := range rules {
		if done[r.tenant] {
			continue
		}
		done[r.tenant] = true
		if err := a.changed(ctx, r.tenant); err != nil {
			return err
		}
	}
	return nil
}
