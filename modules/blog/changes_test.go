package blog_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/modules/blog/internal/ent"
	entpost "github.com/yourorg/platform/modules/blog/internal/ent/post"
	"github.com/yourorg/platform/pkg/tenant"
)

// recorded lists what the trail of the platform says about changes of posts, in order: the event's name and, for each
// change, its id and what happened.
func recorded(t *testing.T, app *testapp.App) (found [][]string) {
	t.Helper()
	for _, row := range app.Rows(t, "SELECT permission, changes FROM audit_events WHERE changes IS NOT NULL ORDER BY id") {
		event := []string{row["permission"]}
		var changes []struct{ Entity, ID, Action string }
		require.NoError(t, json.Unmarshal([]byte(row["changes"]), &changes))
		for _, c := range changes {
			require.Equal(t, "blog.post", c.Entity)
			event = append(event, c.ID+" "+c.Action)
		}
		found = append(found, event)
	}
	return found
}

// Work that records nothing, such as that of a housekeeper, is on record all the same.
func TestEveryWayToChangePostsLeavesARecord(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	c := ent.NewClient(ent.Driver(app.Database))
	ctx := tenant.NewContext(t.Context(), uuid.New())
	var want [][]string
	same := func(event ...string) {
		t.Helper()
		want = append(want, event)
		require.Equal(t, want, recorded(t, app))
	}

	a, err := newRow(c, "a").Save(ctx)
	require.NoError(t, err)
	same("blog.post.created", a.ID.String()+" created")
	b := newRow(c, "b")
	d := newRow(c, "d")
	require.NoError(t, app.Database.InTx(ctx, func(ctx context.Context) error { return c.Post.CreateBulk(b, d).Exec(ctx) }))
	bID, _ := b.Mutation().ID()
	dID, _ := d.Mutation().ID()
	same("blog.post.created", dID.String()+" created", bID.String()+" created")

	require.NoError(t, c.Post.UpdateOneID(a.ID).SetTitle("new").Exec(ctx))
	same("blog.post.updated", a.ID.String()+" updated")
	require.NoError(t, c.Post.Update().Where(entpost.SlugIn("b", "d")).SetTitle("new").AddVersion(1).Exec(ctx))
	want = append(want, nil)
	last := recorded(t, app)[len(want)-1]
	require.ElementsMatch(t, []string{"blog.post.updated", bID.String() + " updated", dID.String() + " updated"}, last)
	want[len(want)-1] = last

	_, err = c.Post.Delete().Where(entpost.Slug("b")).Exec(tenant.System(t.Context(), "a test"))
	require.NoError(t, err)
	same("blog.post.deleted", bID.String()+" deleted")
	require.NoError(t, c.Post.DeleteOneID(a.ID).Exec(ctx))
	same("blog.post.deleted", a.ID.String()+" deleted")

	owner, _ := tenant.FromContext(ctx)
	for _, row := range app.Rows(t, "SELECT tenant_id, reason, target FROM audit_events WHERE permission = 'blog.post.deleted' ORDER BY id") {
		require.Equal(t, owner.String(), row["tenant_id"], "the trail is that of the row's tenant")
		require.Contains(t, row["target"], "blog.post:")
	}

	// None of this happened.
	undo := errors.New("undo")
	require.ErrorIs(t, app.Database.InTx(ctx, func(ctx context.Context) error {
		require.NoError(t, c.Post.UpdateOneID(dID).SetTitle("never").Exec(ctx))
		return undo
	}), undo)
	_, err = c.Post.Update().Where(entpost.Slug("d")).SetTitle("theirs").Save(tenant.NewContext(t.Context(), uuid.New()))
	require.NoError(t, err)
	require.Error(t, newRow(c, "d").Exec(ctx))
	require.Equal(t, want, recorded(t, app))
}
