// Package settings keeps what tenants and users have chosen, and decides what counts.
package settings

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/sync/singleflight"

	"github.com/yourorg/platform/internal/settings/ent"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/perm"
	"github.com/yourorg/platform/pkg/secret"
	"github.com/yourorg/platform/pkg/settings"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/tx"
)

// Environment is what the configuration says about a key.
type Environment interface {
	// Get returns the effective value of a key, and whether the key is known.
	Get(key string) (any, bool)

	// Given tells whether the value is not the default of the code.
	Given(key string) bool
}

// Feed is what is needed of the change feed.
type Feed interface {
	Announce(ctx context.Context, topic, key string) error
	Subscribe(topic string, fn func(key string))
	Fresh() bool
}

// Catalog is what modules there are.
type Catalog interface {
	Manifests() []module.Manifest
	Permissions() []perm.Definition
}

// definition is a setting with what the environment says about it.
type definition struct {
	settings.Definition
	inherited any // the value without any tenant
	source    settings.Level
}

// Registry is the settings of all modules, and what has been chosen for them.
type Registry struct {
	byKey  map[string]definition
	sorted []definition
	client *ent.Client
	run    tx.Runner
	feed   Feed
	access authz.Authorizer
	sealer secret.Sealer
	log    *zap.Logger

	cache   cache
	missed  prometheus.Counter
	flights singleflight.Group
}

var (
	_ settings.Registry   = (*Registry)(nil)
	_ settings.Reader     = (*Registry)(nil)
	_ tenant.Eraser       = (*Registry)(nil)
	_ tenant.MemberEraser = (*Registry)(nil)
)

// Parts are what a Registry works with.
type Parts struct {
	Client      *ent.Client
	Run         tx.Runner
	Feed        Feed
	Access      authz.Authorizer
	Sealer      secret.Sealer
	Environment Environment
	Log         *zap.Logger
}

// New subscribes to the feed, so it must run before the feed starts. It names every definition that is malformed, there
// twice, of a module that is not in the catalogue, or about a permission that nobody declares.
func New(p Parts, catalog Catalog, all []settings.Definition) (*Registry, error) {
	r := &Registry{
		byKey: map[string]definition{}, client: p.Client, run: p.Run, feed: p.Feed, access: p.Access, sealer: p.Sealer, log: p.Log,
		missed: prometheus.NewCounter(prometheus.CounterOpts{}), // nobody collects it, until provide says where
	}
	owners, permissions := known(catalog)
	var errs []error
	for _, d := range all {
		bad := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("the setting %q: %w", d.Key, fmt.Errorf(format, args...)))
		}
		owner, _, _ := strings.Cut(d.Key, ".")
		if err := d.Validate(); err != nil {
			bad("%w", err)
		}
		if _, twice := r.byKey[d.Key]; twice {
			bad("it is declared twice")
		}
		if !owners[owner] {
			bad("there is no module called %q", owner)
		}
		for _, p := range []perm.Permission{d.Change, d.Read} {
			if p != "" && !permissions[p] {
				bad("no module declares the permission %q", p)
			}
		}
		value, declared := p.Environment.Get("settings." + d.Key)
		if !declared {
			bad("it is not in the configuration: contribute it with module.Settings")
		}
		def := definition{Definition: d, inherited: value, source: settings.Default}
		if p.Environment.Given("settings." + d.Key) {
			def.source = settings.Environment
		}
		r.byKey[d.Key] = def
		r.sorted = append(r.sorted, def)
	}
	slices.SortFunc(r.sorted, func(a, b definition) int { return strings.Compare(a.Key, b.Key) })
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	r.feed.Subscribe(Topic, r.changed)
	return r, nil
}

func known(c Catalog) (owners map[string]bool, permissions map[perm.Permission]bool) {
	owners, permissions = map[string]bool{}, map[perm.Permission]bool{}
	for _, m := range c.Manifests() {
		owners[m.Name] = true
	}
	for _, p := range c.Permissions() {
		permissions[p.Name] = true
	}
	return owners, permissions
}

// Effective implements settings.Reader.
func (r *Registry) Effective(ctx context.Context, key string, t tenant.ID, user uuid.UUID) (any, error) {
	d, ok := r.byKey[key]
	if !ok {
		return nil, fmt.Errorf("there is no setting %q: its module is switched off, or does not contribute it", key)
	}
	var chosen scopes
	var err error
	if t != uuid.Nil && d.ForTenant {
		if chosen.tenant, err = r.find(ctx, scopeID{tenant: t}); err != nil {
			return nil, err
		}
	}
	if t != uuid.Nil && d.ForUser && user != uuid.Nil {
		if chosen.user, err = r.find(ctx, scopeID{tenant: t, user: user}); err != nil {
			return nil, err
		}
	}
	value, source := d.resolve(chosen)
	return r.open(value, chosen.id(source), key)
}
