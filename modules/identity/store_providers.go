package identity

import (
	"context"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/modules/identity/internal/ent"
	entprovider "github.com/yourorg/platform/modules/identity/internal/ent/provider"
	"github.com/yourorg/platform/modules/identity/internal/ent/schema"
)

// providers keeps the identity providers of the tenant in the context; the schema's mixin keeps it inside.
type providers struct{ client *ent.Client }

func newProviders(c *ent.Client) *providers { return &providers{client: c} }

func (s *providers) insert(ctx context.Context, p Provider) error {
	err := s.client.Provider.Create().SetID(p.ID).SetName(p.Name).SetIssuer(p.Issuer).SetClientID(p.ClientID).
		SetClientSecret(p.Secret).SetScopes(p.Scopes).SetDomains(p.Domains).SetProvedDomains(p.Proved).
		SetRoleMapping(toRows(p.Mapping)).SetDefaultRoles(p.DefaultRoles).SetJit(p.JIT).SetEnabled(p.Enabled).
		SetVersion(p.Version).SetCreatedAt(p.CreatedAt).SetUpdatedAt(p.UpdatedAt).Exec(ctx)
	if ent.IsConstraintError(err) { // the name is the one unique rule that a new provider can break
		return identityapi.ErrProviderNameTaken.Wrap(err)
	}
	return wrap("insert identity provider", err)
}

// update replaces the version that came before; it reports false when somebody else was faster.
func (s *providers) update(ctx context.Context, p Provider) (bool, error) {
	n, err := s.client.Provider.Update().Where(entprovider.ID(p.ID), entprovider.Version(p.Version-1)).
		SetName(p.Name).SetIssuer(p.Issuer).SetClientID(p.ClientID).SetClientSecret(p.Secret).SetScopes(p.Scopes).
		SetDomains(p.Domains).SetProvedDomains(p.Proved).SetRoleMapping(toRows(p.Mapping)).SetDefaultRoles(p.DefaultRoles).
		SetJit(p.JIT).SetEnabled(p.Enabled).SetVersion(p.Version).SetUpdatedAt(p.UpdatedAt).Save(ctx)
	if ent.IsConstraintError(err) {
		return false, identityapi.ErrProviderNameTaken.Wrap(err)
	}
	return n > 0, wrap("change identity provider", err)
}

// byID answers ErrProviderNotFound also for another tenant's.
func (s *providers) byID(ctx context.Context, id uuid.UUID) (Provider, error) {
	row, err := s.client.Provider.Get(ctx, id)
	if ent.IsNotFound(err) {
		return Provider{}, identityapi.ErrProviderNotFound.Wrap(err)
	}
	if err != nil {
		return Provider{}, wrap("find identity provider", err)
	}
	return toProvider(row), nil
}

// list returns all of them, by age.
func (s *providers) list(ctx context.Context) ([]Provider, error) {
	rows, err := s.client.Provider.Query().Order(entprovider.ByID()).All(ctx)
	list := make([]Provider, len(rows))
	for i, row := range rows {
		list[i] = toProvider(row)
	}
	return list, wrap("list identity providers", err)
}

// delete removes a provider in the version that was read, and tells whether it was still there.
func (s *providers) delete(ctx context.Context, p Provider) (bool, error) {
	n, err := s.client.Provider.Delete().Where(entprovider.ID(p.ID), entprovider.Version(p.Version)).Exec(ctx)
	return n > 0, wrap("delete identity provider", err)
}

func toProvider(r *ent.Provider) Provider {
	p := Provider{
		ID: r.ID, TenantID: r.TenantID, Name: r.Name, Issuer: r.Issuer, ClientID: r.ClientID, Secret: r.ClientSecret,
		Scopes: r.Scopes, Domains: r.Domains, Proved: r.ProvedDomains, DefaultRoles: r.DefaultRoles, JIT: r.Jit, Enabled: r.Enabled,
		Version: r.Version, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), Mapping: []RoleMapping{},
	}
	for _, m := range r.RoleMapping {
		p.Mapping = append(p.Mapping, RoleMapping(m))
	}
	return p
}

func toRows(mapping []RoleMapping) []schema.RoleMapping {
	rows := []schema.RoleMapping{}
	for _, m := range mapping {
		rows = append(rows, schema.RoleMapping(m))
	}
	return rows
}
