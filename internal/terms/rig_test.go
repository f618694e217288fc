package terms_test

import (
	"context"
	"io/fs"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/terms"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/entitlement"
	"github.com/yourorg/platform/pkg/policy"
	"github.com/yourorg/platform/pkg/tenant"
)

// shop declares what terms can name.
type shop struct{}

func (shop) Name() string      { return "shop" }
func (shop) Migrations() fs.FS { return nil }
func (shop) Init() fx.Option   { return fx.Options() }
func (shop) Manifest() []byte {
	return []byte(`name: shop
version: 1.0.0
description: Sells.
entitlements:
  - {name: shop.export, description: Take everything home.}
  - {name: shop.gifts, description: Send gifts.}
units:
  - {name: tokens, description: What a model reads and writes.}
  - {name: seats, description: Members.}
policies:
  - {name: models, description: What answers.}
  - {name: tools, description: What models may use., default: allow}
`)
}

// rig is a platform with the shop, and a customer.
type rig struct {
	*testapp.App
	book *terms.Book
	id   tenant.ID
}

func newRig(t testing.TB, url string, set ...string) *rig {
	t.Helper()
	r := &rig{}
	r.App = testapp.New(t, append(modules.All(), shop{}), testapp.Options{
		Set: set, Database: url, Extra: []fx.Option{fx.Populate(&r.book)},
	})
	if url == "" {
		r.id = r.Register(t, "customer").TenantID
	}
	return r
}

// replica is another process over the same database.
func (r *rig) replica(t testing.TB) *rig {
	t.Helper()
	other := newRig(t, r.DatabaseURL())
	other.id = r.id
	return other
}

func (r *rig) ctx() context.Context { return tenant.NewContext(context.Background(), r.id) }

func (r *rig) of(t testing.TB) *terms.Terms {
	t.Helper()
	of, err := r.book.Of(context.Background(), r.id)
	require.NoError(t, err)
	return of
}

func (r *rig) entitled(t testing.TB, n entitlement.Name) bool {
	t.Helper()
	return r.of(t).Entitled(n)
}

const (
	patience = time.Minute
	tick     = 10 * time.Millisecond

	export entitlement.Name = "shop.export"
	gifts  entitlement.Name = "shop.gifts"
	models policy.Kind      = "models"
	tools  policy.Kind      = "tools"
)
