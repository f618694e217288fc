package tenant

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/tenant"
)

func TestARequestWithoutATokenNamesOneTenantOrNone(t *testing.T) {
	t.Parallel()
	one, other, broken := uuid.New(), uuid.New(), errors.New("broken")
	for name, tt := range map[string]struct {
		resolvers []tenant.Resolver
		want      uuid.UUID
		named     bool
		err       error
	}{
		"nothing names one":           {[]tenant.Resolver{says{}}, uuid.Nil, false, nil},
		"one names one":               {[]tenant.Resolver{says{}, says{id: one, ok: true}}, one, true, nil},
		"two agree":                   {[]tenant.Resolver{says{id: one, ok: true}, says{id: one, ok: true}}, one, true, nil},
		"two disagree":                {[]tenant.Resolver{says{id: one, ok: true}, says{id: other, ok: true}}, uuid.Nil, true, nil},
		"what is named is no tenant":  {[]tenant.Resolver{says{err: ErrMismatch}}, uuid.Nil, true, nil},
		"one of them cannot find out": {[]tenant.Resolver{says{err: broken}}, uuid.Nil, false, broken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id, named, err := New(tt.resolvers...).Named(httptest.NewRequest(http.MethodPost, "/", nil))
			require.ErrorIs(t, err, tt.err)
			require.Equal(t, tt.named, named)
			require.Equal(t, tt.want, id)
		})
	}
}
