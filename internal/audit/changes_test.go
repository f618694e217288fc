package audit

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/logger"
	"github.com/yourorg/platform/pkg/tenant"
)

func changeOf(i int) audit.Change {
	return audit.Change{Entity: "blog.post", ID: strconv.Itoa(i), Action: audit.Updated, Fields: map[string]audit.Field{
		"title": {Before: json.RawMessage(`"a\u0000\u003cb\u003e"`), After: json.RawMessage(`"ä"`)},
	}}
}

func TestChangesGoWithTheEventOfTheirTransaction(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, tr *trail) {
		of, other := uuid.New(), uuid.New()
		ctx := logger.NewContext(tenant.NewContext(t.Context(), of), &logger.Request{ID: "r-1"})
		require.NoError(t, tr.d.InTx(ctx, func(ctx context.Context) error {
			theirs := changeOf(9)
			theirs.Tenant = other
			audit.Track(ctx, theirs)
			audit.Track(ctx, changeOf(1))
			require.NoError(t, tr.Record(ctx, audit.Entry{Action: "blog.post.publish", Outcome: audit.Denied}), "takes nothing")
			require.NoError(t, tr.Record(ctx, audit.Entry{Action: "blog.post.update"}))
			audit.Track(ctx, changeOf(2))
			return nil
		}))
		undo := errors.New("undo")
		require.ErrorIs(t, tr.d.InTx(ctx, func(ctx context.Context) error { audit.Track(ctx, changeOf(3)); return undo }), undo)

		events, err := tr.Events(ctx, audit.Filter{RequestID: "r-1"})
		require.NoError(t, err)
		require.Len(t, events, 3)
		require.Equal(t, []string{"blog.post.updated", "blog.post.update", "blog.post.publish"},
			[]string{events[0].Permission, events[1].Permission, events[2].Permission})
		require.Equal(t, []audit.Change{changeOf(2)}, events[0].Changes)
		require.Equal(t, "blog.post:2", events[0].Target)
		require.Equal(t, []audit.Change{changeOf(1)}, events[1].Changes)
		require.Empty(t, events[2].Changes)
		events, err = tr.Events(tenant.NewContext(t.Context(), other), audit.Filter{})
		require.NoError(t, err)
		require.Len(t, events, 1)
		require.Equal(t, "9", events[0].Changes[0].ID)

		tr.seal(t)
		require.Empty(t, tr.verify(t).Faults)
		report := verifyExport(t, tr.export(t, of))
		require.Empty(t, report.Faults)
		require.Equal(t, 3, report.Events)
	})
}

func TestManyChangesAreSpreadOverEvents(t *testing.T) {
	t.Parallel()
	tr, ctx := wired(newTrail(openSQLite(t))), tenant.NewContext(t.Context(), uuid.New())
	require.NoError(t, tr.d.InTx(ctx, func(ctx context.Context) error {
		for i := range 250 {
			audit.Track(ctx, changeOf(i))
		}
		return tr.Record(ctx, audit.Entry{Action: "blog.post.update"})
	}))
	require.NoError(t, tr.d.InTx(ctx, func(ctx context.Context) error {
		for i := range 3 {
			large := changeOf(i)
			large.Fields["title"] = audit.Field{Before: json.RawMessage("null"), After: json.RawMessage(`"` + strings.Repeat("x", maxChangesSize*2/3) + `"`)}
			audit.Track(ctx, large)
		}
		return nil
	}))
	events, err := tr.Events(ctx, audit.Filter{})
	require.NoError(t, err)
	var sizes []int
	for _, e := range events {
		sizes = append(sizes, len(e.Changes))
	}
	require.Equal(t, []int{1, 1, 1, 50, 100, 100}, sizes)
}
