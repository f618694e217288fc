package authz

import (
	"context"
	"slices"

	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/perm"
)

var _ authz.Delegator = (*Authorizer)(nil)

// Delegate implements authz.Delegator.
func (a *Authorizer) Delegate(ctx context.Context, wanted []string, personal bool) ([]perm.Permission, error) {
	g, err := a.giver(ctx)
	if err != nil {
		return nil, err
	}
	var list []perm.Permission
	for _, pattern := range wanted {
		reached := a.vocabulary.reach(pattern)
		if i, declared := a.vocabulary.index[perm.Permission(pattern)]; declared && a.vocabulary.operator.has(i) {
			if !personal {
				return nil, authz.ErrNotHeld.Detailf("The permission %q is the operator's alone.", pattern)
			}
			reached = []int{i}
		}
		if len(reached) == 0 {
			return nil, authz.ErrPermissionUnknown.Detailf("%q is no permission, and no wildcard for one.", pattern)
		}
		for _, permission := range reached {
			if err := g.mayDelegate(ctx, permission, personal); err != nil {
				return nil, err
			}
			list = append(list, a.vocabulary.definitions[permission].Name)
		}
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

func (g *giver) mayDelegate(ctx context.Context, permission int, personal bool) error {
	if personal && g.caller.Key == nil && len(g.held.conditions(g.caller.UserID, permission)) > 0 {
		return nil
	}
	return g.mayGive(ctx, permission, "")
}
