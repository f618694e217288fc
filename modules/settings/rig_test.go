package settings_test

import (
	"fmt"
	"io/fs"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/settings"
)

const path = "/api/v1/settings"

// fields are the JSON of a request.
type fields = map[string]any

// shop is a module with a setting of every kind.
type shop struct{}

var _ module.IModule = shop{}

var (
	open   = settings.Bool("shop.open", true, "Whether it sells.", settings.ForTenants(""))
	price  = settings.Int("shop.price", 3, "The price.", settings.ForTenants("shop.price.change"), settings.Between(1, 9))
	margin = settings.Int("shop.margin", 5, "The margin.", settings.ForTenants("shop.price.change"), settings.ReadableWith("shop.price.read"))
	pause  = settings.Length("shop.pause", time.Minute, "The pause.", settings.ForUsers(), settings.Between(time.Second, time.Hour))
	order  = settings.Enum("shop.order", "asc", []string{"asc", "desc"}, "The order.", settings.ForTenants(""), settings.ForUsers())
	tags   = settings.Strings("shop.tags", []string{"new"}, "The tags.", settings.ForTenants(""), settings.MaxItems(3), settings.MaxLength(9))
	code   = settings.String("shop.code", "a1", "The code.", settings.ForUsers(), settings.Pattern(regexp.MustCompile(`^[a-z]\d$`)))
	apiKey = settings.Hidden("shop.api_key", "The key of the till.", settings.ForTenants(""))
	till   = settings.String("shop.till", "t1", "The till that the operator has chosen.")
)

func (shop) Name() string      { return "shop" }
func (shop) Migrations() fs.FS { return nil }
func (shop) Manifest() []byte {
	return []byte(`
name: shop
version: 1.0.0
description: Sells things.
permissions:
  - name: shop.price.change
    description: Change prices.
    roles: [owner]
  - name: shop.price.read
    description: See what is earned.
    roles: [owner]
`)
}

func (shop) Init() fx.Option {
	return module.Settings(open, price, margin, pause, order, tags, code, apiKey, till)
}

func withShop() []module.IModule { return append(modules.All(), shop{}) }

// market is a platform with the shop, and a tenant of which ann is the owner.
type market struct {
	*testapp.App
	ann    testapp.User
	reader settings.Reader
}

func newMarket(t *testing.T, options ...testapp.Options) *market {
	t.Helper()
	m := &market{}
	m.App = testapp.New(t, withShop(), append(options, testapp.Options{
		Database: last(options), Extra: []fx.Option{fx.Populate(&m.reader)},
	})...)
	m.ann = m.Register(t, "ann")
	return m
}

// last is the database that the options name.
func last(options []testapp.Options) (database string) {
	for _, o := range options {
		database = o.Database
	}
	return database
}

// join is a new user who works in ann's tenant with these roles.
func (m *market) join(t *testing.T, roles ...string) testapp.User {
	t.Helper()
	u := m.Register(t, "colleague")
	m.Want(t, http.StatusCreated, testapp.Call{
		Method: "POST", Path: "/api/v1/invitations", Token: m.ann.Token, Body: fields{"email": u.Email, "roles": roles},
	})
	m.Want(t, http.StatusOK, testapp.Call{
		Method: "POST", Path: "/api/v1/invitations/accept", Token: u.Token,
		Body: fields{"token": m.Mail(t, u.Email, "identity.invitation").Token(t)},
	})
	u.Token, u.TenantID = m.enter(t, u, m.ann.TenantID), m.ann.TenantID
	return u
}

// enter is a token of u for another tenant.
func (m *market) enter(t *testing.T, u testapp.User, tenant uuid.UUID) string {
	t.Helper()
	var tokens struct {
		Access string `json:"access_token"`
	}
	m.Want(t, http.StatusOK, testapp.Call{
		Method: "POST", Path: "/api/v1/auth/switch", Token: u.Token, Body: fields{"tenant": tenant.String()},
	}).JSON(t, &tokens)
	return tokens.Access
}

type level struct {
	Scope      string
	Set        bool
	Value      any
	Changeable bool
}

type state struct {
	Key, Description, Type, Source string
	Value, Inherited               any
	Levels                         []level
	Constraints                    fields
}

// view is what somebody sees, by key.
type view struct {
	etag string
	keys []string
	by   map[string]state
}

func read(t *testing.T, answer testapp.Answer) view {
	t.Helper()
	var body struct{ Items []state }
	answer.JSON(t, &body)
	v := view{etag: answer.Header.Get("ETag"), by: map[string]state{}}
	require.NotEmpty(t, v.etag)
	for _, s := range body.Items {
		v.keys = append(v.keys, s.Key)
		v.by[s.Key] = s
	}
	return v
}

// counts is a value and where it comes from.
func (v view) counts(key string) string { return fmt.Sprint(v.by[key].Value, " of ", v.by[key].Source) }

func see(t *testing.T, app *testapp.App, token string) view {
	t.Helper()
	return read(t, app.Want(t, http.StatusOK, testapp.Call{Path: path, Token: token}))
}

func patch(token, scope string, values fields) testapp.Call {
	return testapp.Call{Method: "PATCH", Path: path, Token: token, Body: fields{"scope": scope, "values": values}}
}

func (m *market) set(t *testing.T, token, scope string, values fields) view {
	t.Helper()
	return read(t, m.Want(t, http.StatusOK, patch(token, scope, values)))
}

type fault struct{ Field, Code, Message string }

// refused requires a status and a code, and returns the faults that are named as "field code".
func (m *market) refused(t *testing.T, status int, code string, c testapp.Call) []string {
	t.Helper()
	answer := m.Want(t, status, c)
	require.Equal(t, code, answer.Code(t), "%s", answer.Body)
	var body struct{ Errors []fault }
	answer.JSON(t, &body)
	var named []string
	for _, f := range body.Errors {
		named = append(named, f.Field+" "+f.Code)
	}
	return named
}
