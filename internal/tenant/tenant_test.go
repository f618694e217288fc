package tenant

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/tenant"
)

// says names a tenant for every request.
type says struct {
	id  uuid.UUID
	ok  bool
	err error
}

func (s says) Resolve(*http.Request) (tenant.ID, bool, error) { return s.id, s.ok, s.err }

func TestWhateverNamesATenantMustAgreeWithTheToken(t *testing.T) {
	t.Parallel()
	mine, other, broken := uuid.New(), uuid.New(), errors.New("broken")
	for name, tt := range map[string]struct {
		header    []string
		resolvers []tenant.Resolver
		want      error
	}{
		"nothing names one":                     {nil, nil, nil},
		"the header agrees":                     {[]string{mine.String()}, nil, nil},
		"the header names another":              {[]string{other.String()}, nil, ErrMismatch},
		"the header is no id":                   {[]string{"acme"}, nil, ErrMismatch},
		"the header is empty":                   {[]string{""}, nil, ErrMismatch},
		"the header is the zero id":             {[]string{uuid.Nil.String()}, nil, ErrMismatch},
		"the header is there twice":             {[]string{mine.String(), mine.String()}, nil, ErrMismatch},
		"another resolver agrees":               {nil, []tenant.Resolver{says{id: mine, ok: true}}, nil},
		"another resolver does not":             {[]string{mine.String()}, []tenant.Resolver{says{id: other, ok: true}}, ErrMismatch},
		"another resolver has nothing to say":   {nil, []tenant.Resolver{says{id: other}}, nil},
		"another resolver cannot tell":          {nil, []tenant.Resolver{says{err: broken}}, broken},
		"an agreement does not outvote another": {[]string{other.String()}, []tenant.Resolver{says{id: mine, ok: true}}, ErrMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest("GET", "/", nil)
			for _, value := range tt.header {
				r.Header.Add("x-tenant-id", value)
			}
			id, err := New(append(tt.resolvers, Header{})...).Resolve(r, &auth.Caller{TenantID: mine})
			require.ErrorIs(t, err, tt.want)
			if tt.want == nil {
				require.Equal(t, mine, id)
				return
			}
			require.Equal(t, uuid.Nil, id)
		})
	}
}
