package settings_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/settings"
	"github.com/yourorg/platform/pkg/tenant"
)

// asked is a reader that notes for whom it was asked.
type asked struct {
	value        any
	err          error
	tenant, user uuid.UUID
}

func (a *asked) Effective(_ context.Context, _ string, t tenant.ID, user uuid.UUID) (any, error) {
	a.tenant, a.user = t, user
	return a.value, a.err
}

func TestASettingIsReadForTheTenantAndTheCallerInTheContext(t *testing.T) {
	t.Parallel()
	setting := settings.Int("shop.size", 3, "x")
	here, there, ann := uuid.New(), uuid.New(), uuid.New()
	caller := func(at uuid.UUID) context.Context {
		return auth.NewContext(t.Context(), &auth.Caller{UserID: ann, TenantID: at})
	}
	for name, tt := range map[string]struct {
		ctx          context.Context
		tenant, user uuid.UUID
	}{
		"nobody, nowhere":                    {t.Context(), uuid.Nil, uuid.Nil},
		"a tenant without a caller":          {tenant.NewContext(t.Context(), here), here, uuid.Nil},
		"the caller's own tenant":            {tenant.NewContext(caller(here), here), here, ann},
		"a tenant that is not the caller's":  {tenant.NewContext(caller(there), here), here, uuid.Nil},
		"a caller who acts in no tenant yet": {caller(there), uuid.Nil, uuid.Nil},
	} {
		r := &asked{value: 7}
		got, err := setting.Get(tt.ctx, r)
		require.NoError(t, err, name)
		require.Equal(t, 7, got, name)
		require.Equal(t, [2]uuid.UUID{tt.tenant, tt.user}, [2]uuid.UUID{r.tenant, r.user}, name)
	}
}

func TestWhatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	mine := errors.New("mine")
	_, err := settings.Int("shop.size", 3, "x").Get(t.Context(), &asked{err: mine})
	require.ErrorIs(t, err, mine)
	_, err = settings.Int("shop.size", 3, "x").Get(t.Context(), &asked{value: "3"})
	require.EqualError(t, err, "the setting shop.size is a string")
}

func TestAListThatWasReadIsTheCallersOwn(t *testing.T) {
	t.Parallel()
	r := &asked{value: []string{"a", "b"}}
	got, err := settings.Strings("shop.tags", nil, "x").Get(t.Context(), r)
	require.NoError(t, err)
	got[0] = "changed"
	require.Equal(t, []string{"a", "b"}, r.value)
}
