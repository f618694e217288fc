package seed

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

type sower func() ([]string, error)

func (s sower) Seed(context.Context) ([]string, error) { return s() }

func TestSeedersRunAndTheirNoticesAreReadOnce(t *testing.T) {
	t.Parallel()
	s := New(
		sower(func() ([]string, error) { return []string{"Password: x"}, nil }),
		sower(func() ([]string, error) { return nil, nil }),
	)
	require.Empty(t, s.Notices())
	require.NoError(t, s.Run(t.Context()))
	require.Equal(t, []string{"Password: x"}, s.Notices())
	require.Empty(t, s.Notices())
}

func TestASeederThatFailsEndsTheStartAndKeepsWhatWasSaid(t *testing.T) {
	t.Parallel()
	mine := errors.New("mine")
	s := New(
		sower(func() ([]string, error) { return []string{"said"}, nil }),
		sower(func() ([]string, error) { return nil, mine }),
		sower(func() ([]string, error) { t.Error("must not run"); return nil, nil }),
	)
	require.ErrorIs(t, s.Run(t.Context()), mine)
	require.Equal(t, []string{"said"}, s.Notices())
}
