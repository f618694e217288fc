package auth_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/auth"
)

func TestACallerTravelsInTheContext(t *testing.T) {
	t.Parallel()
	_, ok := auth.FromContext(t.Context())
	require.False(t, ok)
	_, ok = auth.FromContext(auth.NewContext(t.Context(), nil))
	require.False(t, ok, "nobody is not somebody")
	c := &auth.Caller{UserID: uuid.New()}
	got, ok := auth.FromContext(auth.NewContext(t.Context(), c))
	require.True(t, ok)
	require.Same(t, c, got)
}
