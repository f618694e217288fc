package identity

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/secret"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/web"
)

const (
	maxProviders = 20
	proofTime    = 10 * time.Second // for all look-ups of one request
)

// providerAdmin is what can be done with a tenant's identity providers.
type providerAdmin struct {
	*tenancy

	providers  *providers
	sealer     secret.Sealer
	key        *serverKey
	resolver   *net.Resolver
	production bool
}

func newProviderAdmin(t *tenancy, p *providers, s secret.Sealer, k *serverKey, env config.Environment) *providerAdmin {
	return &providerAdmin{
		tenancy: t, providers: p, sealer: s, key: k, production: env == config.Production, resolver: newResolver(t.cfg.OIDC.DNSServer),
	}
}

// newResolver asks the server, or the system's when it is empty.
func newResolver(server string) *net.Resolver {
	if server == "" {
		return net.DefaultResolver
	}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server)
	}}
}

// create adds a provider to the caller's tenant. The caller must hold what each of its roles permits.
func (a *providerAdmin) create(ctx context.Context, c *auth.Caller, wish providerChange) (Provider, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Provider{}, err
	}
	p := Provider{
		ID: id, TenantID: c.TenantID, CreatedAt: now(), Enabled: true,
		Scopes: []string{}, Domains: []string{}, Proved: []string{}, Mapping: []RoleMapping{}, DefaultRoles: []string{},
	}
	if p, err = a.changed(p, wish); err != nil {
		return Provider{}, err
	}
	err = a.tx.InTx(ctx, func(ctx context.Context) error {
		if _, err := a.tenants.forChange(ctx, c.TenantID); err != nil {
			return err
		}
		list, err := a.providers.list(ctx)
		if err != nil || len(list) >= maxProviders {
			return either(err, identityapi.ErrProviderLimit)
		}
		if err := a.mayGrant(ctx, p.given()); err != nil {
			return err
		}
		return a.providers.insert(ctx, p)
	})
	if err != nil {
		return Provider{}, fmt.Errorf("create an identity provider: %w", err)
	}
	return p, nil
}

// update changes a provider, in the version that the caller has seen.
func (a *providerAdmin) update(ctx context.Context, id uuid.UUID, seen web.Condition, wish providerChange) (p Provider, err error) {
	err = a.tx.InTx(ctx, func(ctx context.Context) error {
		before, err := a.providers.byID(ctx, id)
		if err != nil {
			return err
		}
		if !seen.Holds(before.Version) {
			return identityapi.ErrProviderChanged
		}
		if p, err = a.changed(before, wish); err != nil {
			return err
		}
		if err := a.mayGrant(ctx, p.given()); err != nil {
			return err
		}
		return a.save(ctx, p)
	})
	if err != nil {
		return Provider{}, fmt.Errorf("change an identity provider: %w", err)
	}
	return p, nil
}

// remove deletes a provider, in the version that the caller has seen.
func (a *providerAdmin) remove(ctx context.Context, id uuid.UUID, seen web.Condition) error {
	err := a.tx.InTx(ctx, func(ctx context.Context) error {
		p, err := a.providers.byID(ctx, id)
		if err != nil {
			return err
		}
		if !seen.Holds(p.Version) {
			return identityapi.ErrProviderChanged
		}
		gone, err := a.providers.delete(ctx, p)
		if err == nil && !gone {
			return identityapi.ErrProviderChanged
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("delete an identity provider: %w", err)
	}
	return nil
}

func (a *providerAdmin) save(ctx context.Context, p Provider) error {
	saved, err := a.providers.update(ctx, p)
	if err == nil && !saved {
		return identityapi.ErrProviderChanged
	}
	return err
}

// changed is the provider after a change, with its secret sealed.
func (a *providerAdmin) changed(p Provider, wish providerChange) (Provider, error) {
	p, bad := p.apply(wish, a.production)
	if len(bad) > 0 {
		return p, identityapi.ErrProviderInvalid.With(bad...)
	}
	if wish.secret == nil {
		return p, nil
	}
	sealed, err := a.sealer.Seal([]byte(*wish.secret), p.sealedFor())
	if err != nil {
		return p, fmt.Errorf("seal the secret of an identity provider: %w", err)
	}
	p.Secret = sealed
	return p, nil
}

// proof is the TXT record by which the owner of a domain says that it is this tenant's. It can be made again at any
// time, and means nothing in another tenant.
func (a *providerAdmin) proof(ctx context.Context, t tenant.ID, domain string) (name, value string, err error) {
	sum, err := a.key.derive(ctx, "domain proof", t.String()+"\x00"+domain)
	if err != nil {
		return "", "", fmt.Errorf("derive the proof of a domain: %w", err)
	}
	return "_platform-challenge." + domain, "platform-domain=" + base64.RawURLEncoding.EncodeToString(sum), nil
}

// prove looks for the records of the domains that are not proved yet. What is not found, or not in time, stays unproved.
func (a *providerAdmin) prove(ctx context.Context, id uuid.UUID) (Provider, error) {
	p, err := a.providers.byID(ctx, id)
	if err != nil {
		return Provider{}, err
	}
	found := []string{}
	lookups, cancel := context.WithTimeout(ctx, proofTime)
	defer cancel()
	for _, domain := range p.Domains {
		if slices.Contains(p.Proved, domain) {
			continue
		}
		name, value, err := a.proof(ctx, p.TenantID, domain)
		if err != nil {
			return Provider{}, err
		}
		records, err := a.resolver.LookupTXT(lookups, name+".")
		if err == nil && slices.Contains(records, value) {
			found = append(found, domain)
		}
	}
	if len(found) == 0 {
		return p, nil
	}
	err = a.tx.InTx(ctx, func(ctx context.Context) error {
		if p, err = a.providers.byID(ctx, id); err != nil { // as it is by now
			return err
		}
		for _, domain := range found {
			if slices.Contains(p.Domains, domain) {
				p.Proved = append(p.Proved, domain)
			}
		}
		p.Proved = slices.Compact(sorted(p.Proved))
		p.Version++
		p.UpdatedAt = now()
		return a.save(ctx, p)
	})
	if err != nil {
		return Provider{}, fmt.Errorf("prove domains: %w", err)
	}
	return p, nil
}
