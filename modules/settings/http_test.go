package settings_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/modules/settings/settingsapi"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/settings"
)

func TestThePermissionOfTheModuleIsTheOneThatSettingsName(t *testing.T) {
	t.Parallel()
	require.Equal(t, settings.TenantUpdate, settingsapi.PermTenantUpdate)
}

func TestTheSettingsAreShownWithWhatMayBeDoneAboutThem(t *testing.T) {
	t.Parallel()
	m := newMarket(t, testapp.Options{Set: []string{"settings.shop.order=desc", "settings.shop.till=t2", "settings.shop.api_key=hunter2"}})
	v := see(t, m.App, m.ann.Token)
	require.Equal(t, []string{
		"core.cors_origins", "identity.locale", "identity.time_zone", "notifications.devices", "notifications.phone", "notifications.webhook_secret",
		"notifications.webhook_url", "shop.api_key", "shop.code", "shop.margin", "shop.open", "shop.order", "shop.pause",
		"shop.price", "shop.tags", "shop.till",
	}, v.keys, "sorted")
	require.Equal(t, "en of default", v.counts("identity.locale"))
	require.Equal(t, "UTC of default", v.counts("identity.time_zone"))

	require.Equal(t, state{
		Key: "shop.price", Description: "The price.", Type: "integer", Source: "default", Value: 3.0, Inherited: 3.0,
		Levels: []level{{Scope: "tenant", Changeable: true}}, Constraints: fields{"minimum": 1.0, "maximum": 9.0},
	}, v.by["shop.price"])
	require.Equal(t, state{
		Key: "shop.order", Description: "The order.", Type: "choice", Source: "environment", Value: "desc", Inherited: "desc",
		Levels:      []level{{Scope: "tenant", Changeable: true}, {Scope: "user", Changeable: true}},
		Constraints: fields{"values": []any{"asc", "desc"}},
	}, v.by["shop.order"])
	require.Equal(t, fields{"minimum": "1s", "maximum": "1h"}, v.by["shop.pause"].Constraints)
	require.Equal(t, fields{"max_items": 3.0, "max_length": 9.0}, v.by["shop.tags"].Constraints)
	require.Equal(t, fields{"max_length": 256.0, "pattern": `^[a-z]\d$`}, v.by["shop.code"].Constraints)
	require.Equal(t, []any{"new"}, v.by["shop.tags"].Value)
	require.Equal(t, "1m", v.by["shop.pause"].Value)
	require.Equal(t, state{
		Key: "shop.till", Description: "The till that the operator has chosen.", Type: "text", Source: "environment", Value: "t2",
		Inherited: "t2", Levels: []level{}, Constraints: fields{"max_length": 256.0},
	}, v.by["shop.till"])
	require.Nil(t, v.by["shop.api_key"].Value)
	require.Nil(t, v.by["shop.api_key"].Inherited)
	require.Equal(t, "environment", v.by["shop.api_key"].Source)
}

func TestTheFirstOfUserTenantAndEnvironmentCounts(t *testing.T) {
	t.Parallel()
	m := newMarket(t, testapp.Options{Set: []string{"settings.shop.order=desc"}})
	bob, stranger := m.join(t, authz.Member), m.Register(t, "eve")
	everybody := func(ann, bob_, eve string) {
		t.Helper()
		require.Equal(t, ann, see(t, m.App, m.ann.Token).counts("shop.order"))
		require.Equal(t, bob_, see(t, m.App, bob.Token).counts("shop.order"))
		require.Equal(t, eve, see(t, m.App, stranger.Token).counts("shop.order"))
		got, err := order.GetFor(t.Context(), m.reader, bob.TenantID, bob.ID)
		require.NoError(t, err)
		require.Contains(t, bob_, got, "the code sees the same")
	}
	everybody("desc of environment", "desc of environment", "desc of environment")
	m.set(t, m.ann.Token, "tenant", fields{"shop.order": "asc"})
	everybody("asc of tenant", "asc of tenant", "desc of environment")
	v := m.set(t, bob.Token, "user", fields{"shop.order": "desc"})
	require.Equal(t, []level{{"tenant", true, "asc", false}, {"user", true, "desc", true}}, v.by["shop.order"].Levels)
	everybody("asc of tenant", "desc of user", "desc of environment")
	m.set(t, m.ann.Token, "tenant", fields{"shop.order": nil})
	everybody("desc of environment", "desc of user", "desc of environment")
	m.set(t, bob.Token, "user", fields{"shop.order": nil})
	everybody("desc of environment", "desc of environment", "desc of environment")

	// In another tenant the same user has chosen nothing.
	m.set(t, bob.Token, "user", fields{"identity.locale": "de", "identity.time_zone": "Europe/Berlin"})
	home := ""
	var list struct{ Items []struct{ ID uuid.UUID } }
	m.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/tenants", Token: bob.Token}).JSON(t, &list)
	for _, own := range list.Items {
		if own.ID != bob.TenantID {
			home = m.enter(t, bob, own.ID)
		}
	}
	require.Equal(t, "en of default", see(t, m.App, home).counts("identity.locale"))
	require.Equal(t, "Europe/Berlin of user", see(t, m.App, bob.Token).counts("identity.time_zone"))
}

func TestAValueOfEveryTypeIsKept(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	v := m.set(t, m.ann.Token, "tenant", fields{"shop.open": false, "shop.price": 9, "shop.tags": []string{"old", "rare"}, "shop.order": "desc"})
	require.Equal(t, "false of tenant", v.counts("shop.open"))
	v = m.set(t, m.ann.Token, "user", fields{"shop.pause": "1h0m0s", "shop.code": "z9"})
	require.Equal(t, v, see(t, m.App, m.ann.Token), "the answer is what there is")
	require.Equal(t, []any{"old", "rare"}, v.by["shop.tags"].Value)
	require.Equal(t, "1h of user", v.counts("shop.pause"), "in one spelling")

	id, ann := m.ann.TenantID, m.ann.ID
	isOpen, err := open.GetFor(t.Context(), m.reader, id, ann)
	require.NoError(t, err)
	require.False(t, isOpen)
	cost, err := price.GetFor(t.Context(), m.reader, id, uuid.Nil)
	require.NoError(t, err)
	require.Equal(t, 9, cost)
	length, err := pause.GetFor(t.Context(), m.reader, id, ann)
	require.NoError(t, err)
	require.Equal(t, time.Hour, length)
	length, err = pause.GetFor(t.Context(), m.reader, id, uuid.Nil)
	require.NoError(t, err)
	require.Equal(t, time.Minute, length, "nobody in particular")
	list, err := tags.GetFor(t.Context(), m.reader, id, ann)
	require.NoError(t, err)
	require.Equal(t, []string{"old", "rare"}, list)

	v = m.set(t, m.ann.Token, "tenant", fields{"shop.tags": []string{}})
	require.Equal(t, []any{}, v.by["shop.tags"].Value, "none is not the same as nothing chosen")
	require.True(t, v.by["shop.tags"].Levels[0].Set)
}

func TestEveryKeyAtFaultIsNamedAndNothingIsKept(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	before := m.Dump(t)
	require.Equal(t, []string{
		"values.shop.nothing unknown", "values.shop.order enum", "values.shop.pause level", "values.shop.price too_large",
		"values.shop.tags type", "values.shop.till level",
	}, m.refused(t, http.StatusUnprocessableEntity, "settings.invalid", patch(m.ann.Token, "tenant", fields{
		"shop.open": false, "shop.price": 10, "shop.tags": fields{"a": 1}, "shop.order": "up", "shop.pause": "1m", "shop.till": "t3",
		"shop.nothing": 1,
	})))
	require.Equal(t, []string{"values.identity.locale invalid", "values.identity.time_zone invalid", "values.shop.open level"},
		m.refused(t, http.StatusUnprocessableEntity, "settings.invalid", patch(m.ann.Token, "user", fields{
			"identity.time_zone": "Mars/Olympus", "identity.locale": "no such language", "shop.open": true,
		})))
	for name, body := range map[string]any{
		"another scope":   fields{"scope": "environment", "values": fields{"shop.open": true}},
		"another user":    fields{"scope": "user", "user_id": uuid.NewString(), "values": fields{"shop.code": "b2"}},
		"another tenant":  fields{"scope": "tenant", "tenant_id": uuid.NewString(), "values": fields{"shop.open": true}},
		"no scope":        fields{"values": fields{"shop.open": true}},
		"no values":       fields{"scope": "tenant"},
		"nothing to do":   fields{"scope": "tenant", "values": fields{}},
		"a list":          fields{"scope": "tenant", "values": []string{"shop.open"}},
		"too many values": fields{"scope": "tenant", "values": many(101)},
	} {
		require.Equal(t, "request.invalid", m.Want(t, http.StatusUnprocessableEntity, testapp.Call{
			Method: "PATCH", Path: path, Token: m.ann.Token, Body: body,
		}).Code(t), name)
	}
	require.Equal(t, "request.too_large", m.Want(t, http.StatusRequestEntityTooLarge, patch(m.ann.Token, "user", fields{
		"shop.code": string(make([]byte, 300_000)),
	})).Code(t))
	require.Equal(t, before, m.Dump(t))
}

func many(n int) fields {
	values := fields{}
	for range n {
		values["shop."+uuid.NewString()] = 1
	}
	return values
}

func TestTheTenantsSettingsTakeAPermission(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	admin, bob := m.join(t, authz.Admin), m.join(t, authz.Member)
	before := m.Dump(t)
	require.Equal(t, []string{"values.shop.open not_permitted", "values.shop.price not_permitted"},
		m.refused(t, http.StatusForbidden, "settings.not_permitted", patch(bob.Token, "tenant", fields{
			"shop.open": false, "shop.price": 1, "shop.nothing": 1,
		})))
	require.Equal(t, []string{"values.shop.price not_permitted"},
		m.refused(t, http.StatusForbidden, "settings.not_permitted", patch(admin.Token, "tenant", fields{"shop.open": false, "shop.price": 1})),
		"it names a permission of its own")
	require.Equal(t, before, m.Dump(t), "all or nothing")
	denied := m.Rows(t, "SELECT outcome FROM audit_events WHERE permission = 'settings.updateSettings' AND actor = '"+bob.ID.String()+"'")
	require.Equal(t, []map[string]string{{"outcome": "denied"}}, denied)

	m.set(t, admin.Token, "tenant", fields{"shop.open": false})
	m.set(t, m.ann.Token, "tenant", fields{"shop.price": 1})
	v := see(t, m.App, bob.Token)
	require.Equal(t, "false of tenant", v.counts("shop.open"))
	require.Equal(t, []level{{"tenant", true, false, false}}, v.by["shop.open"].Levels)
	require.True(t, see(t, m.App, admin.Token).by["shop.open"].Levels[0].Changeable)
	require.False(t, see(t, m.App, admin.Token).by["shop.price"].Levels[0].Changeable)
}

func TestWhatSomebodyMayNotSeeDoesNotExistForThem(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	admin := m.join(t, authz.Admin)
	require.NotContains(t, see(t, m.App, admin.Token).keys, "shop.margin")
	require.Contains(t, see(t, m.App, m.ann.Token).keys, "shop.margin")
	hidden := m.Want(t, http.StatusUnprocessableEntity, patch(admin.Token, "tenant", fields{"shop.margin": 1}))
	absent := m.Want(t, http.StatusUnprocessableEntity, patch(admin.Token, "tenant", fields{"shop.nothin": 1}))
	require.Equal(t, absent.Code(t), hidden.Code(t))
	require.Len(t, hidden.Body, len(absent.Body), "told apart by nothing but the key")
	require.Equal(t, "1 of tenant", m.set(t, m.ann.Token, "tenant", fields{"shop.margin": 1}).counts("shop.margin"))
	got, err := margin.GetFor(t.Context(), m.reader, m.ann.TenantID, uuid.Nil)
	require.NoError(t, err)
	require.Equal(t, 1, got)
}

func TestSettingsOfAModuleThatIsSwitchedOffAreGoneUntilItIsBack(t *testing.T) {
	t.Parallel()
	whole := newMarket(t)
	whole.set(t, whole.ann.Token, "tenant", fields{"shop.price": 7})
	off := testapp.New(t, withShop(), testapp.Options{Set: []string{"modules.disabled=shop", "settings.shop.till=t9"}, Database: whole.DatabaseURL()})
	others := []string{
		"core.cors_origins", "identity.locale", "identity.time_zone", "notifications.devices", "notifications.phone", "notifications.webhook_secret",
		"notifications.webhook_url",
	}
	require.Equal(t, others, see(t, off, whole.ann.Token).keys)
	answer := off.Want(t, http.StatusUnprocessableEntity, patch(whole.ann.Token, "tenant", fields{"shop.price": nil}))
	require.Equal(t, "settings.invalid", answer.Code(t))
	again := testapp.New(t, withShop(), testapp.Options{Database: whole.DatabaseURL()})
	require.Equal(t, "7 of tenant", see(t, again, whole.ann.Token).counts("shop.price"))
	without := testapp.New(t, modules.All(), testapp.Options{Database: whole.DatabaseURL()})
	require.Equal(t, others, see(t, without, whole.ann.Token).keys)
}
