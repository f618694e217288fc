package problem_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/problem"
)

func TestACopyIsStillTheDeclaredProblem(t *testing.T) {
	t.Parallel()
	declared := problem.New(problem.Conflict, "shop.sold_out", "Sold out")
	other := problem.New(problem.Conflict, "shop.closed", "Closed")
	cause := errors.New("no rows")
	for name, p := range map[string]*problem.Problem{
		"wrapped":      declared.Wrap(cause),
		"with fields":  declared.With(problem.Field{Field: "title", Code: "required", Message: "is required"}),
		"detailed":     declared.Detailf("%d left", 0),
		"to try again": declared.After(time.Minute),
	} {
		err := fmt.Errorf("buy: %w", p)
		require.ErrorIs(t, err, declared, name)
		require.NotErrorIs(t, err, other, name)
		require.Same(t, p, problem.From(err), name)
		require.Equal(t, declared.Title, p.Title, name)
	}
	require.Equal(t, problem.New(problem.Conflict, "shop.sold_out", "Sold out"), declared, "the declared one stays as it was")
	require.ErrorIs(t, declared.Wrap(cause), cause)
	require.Equal(t, "shop.sold_out: no rows", declared.Wrap(cause).Error())
	require.Equal(t, "shop.sold_out", declared.Error())
	require.Equal(t, "shop.sold_out: 0 left", declared.Detailf("%d left", 0).Error())
	require.Equal(t, "0 left", declared.Detailf("%d left", 0).Detail)
	require.Equal(t, time.Minute, declared.After(time.Minute).RetryAfter)
}

func TestAnyOtherErrorIsOpaque(t *testing.T) {
	t.Parallel()
	cause := errors.New("password=hunter2")
	p := problem.From(cause)
	require.Equal(t, problem.Internal, p.Kind)
	require.Equal(t, "internal", p.Code)
	require.NotContains(t, p.Title+p.Detail, "hunter2")
	require.ErrorIs(t, p, cause, "for the log")
}
