package authz

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/internal/authz/ent"
	"github.com/yourorg/platform/internal/authz/ent/predicate"
	entrole "github.com/yourorg/platform/internal/authz/ent/role"
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
				SetTenantID(r.tenant).SetPtype(r.ptype).SetV0(v[0]).SetV1(v[1]).SetV2(v[2]).SetV3(r.when))
		}
		err := a.client.Rule.CreateBulk(creates...).OnConflictColumns(
			entrule.FieldTenantID, entrule.FieldPtype, entrule.FieldV0, entrule.FieldV1, entrule.FieldV2,
			entrule.FieldV3, entrule.FieldV4, entrule.FieldV5,
		).DoNothing().Exec(ctx)
		if err != nil {
			return err
		}
	}
	if err := a.name(ctx, rules); err != nil {
		return err
	}
	return a.changedAll(ctx, rules)
}

// remove deletes the rules that match, and announces their tenants. It must run in a transaction.
func (a *Authorizer) remove(ctx context.Context, match ...predicate.Rule) error {
	if err := a.touch(ctx, match...); err != nil {
		return err
	}
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

// name makes the roles visible that rules permit something, and counts the change of those that were. Two roles whose
// names differ in case only are an error.
func (a *Authorizer) name(ctx context.Context, rules []rule) error {
	roles := map[uuid.UUID][]string{}
	for _, r := range rules {
		if r.ptype == permissionRule && !slices.Contains(roles[r.tenant], r.role) {
			roles[r.tenant] = append(roles[r.tenant], r.role)
		}
	}
	for t, names := range roles {
		for batch := range slices.Chunk(names, batchSize) {
			if err := a.nameBatch(ctx, t, batch); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *Authorizer) nameBatch(ctx context.Context, t uuid.UUID, names []string) error {
	creates := make([]*ent.RoleCreate, len(names))
	for i, name := range names {
		creates[i] = a.client.Role.Create().SetTenantID(t).SetName(name).SetNameKey(strings.ToLower(name)).SetVersion(0)
	}
	err := a.client.Role.CreateBulk(creates...).
		OnConflictColumns(entrole.FieldTenantID, entrole.FieldNameKey).DoNothing().Exec(ctx)
	if err != nil {
		return err
	}
	n, err := a.client.Role.Update().Where(entrole.TenantID(t), entrole.NameIn(names...)).
		AddVersion(1).SetUpdatedAt(stamp(a.now())).Save(ctx)
	if err == nil && n != len(names) {
		err = fmt.Errorf("%d roles of tenant %s differ from others in the case of their names only", len(names)-n, t)
	}
	return err
}

// touch counts the change of the roles whose permissions match.
func (a *Authorizer) touch(ctx context.Context, match ...predicate.Rule) error {
	var roles []struct {
		TenantID uuid.UUID `json:"tenant_id"`
		V0       string    `json:"v0"`
	}
	err := a.client.Rule.Query().Where(append(slices.Clone(match), entrule.Ptype(permissionRule))...).Unique(true).
		Select(entrule.FieldTenantID, entrule.FieldV0).Scan(ctx, &roles)
	if err != nil {
		return err
	}
	for _, r := range roles {
		err := a.client.Role.Update().Where(entrole.TenantID(r.TenantID), entrole.Name(r.V0)).
			AddVersion(1).SetUpdatedAt(stamp(a.now())).Exec(ctx)
		if err != nil {
			return err
		}
	}
	return nil
}

// stamp is a time as both engines keep it.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
