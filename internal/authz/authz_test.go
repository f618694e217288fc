package authz

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/perm"
	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/tenant"
)

func TestWhatIsGranted(t *testing.T) {
	t.Parallel()
	all := []perm.Permission{
		"audit.event.read", "blog.comment.read", "blog.post.create", "blog.post.delete", "blog.post.read",
		"blog.post.update", "blogger.post.read",
	}
	here, there := uuid.New(), uuid.New()
	p := func(role string, patterns ...string) (rows [][]string) {
		for _, pattern := range patterns {
			rows = append(rows, []string{"p", role, here.String(), pattern})
		}
		return rows
	}
	for name, test := range map[string]struct {
		roles []string
		rows  [][]string
		want  []perm.Permission
	}{
		"nobody holds anything":     {},
		"an owner holds his":        {roles: []string{authz.Owner}, want: all[:6]},
		"a viewer only reads":       {roles: []string{authz.Viewer}, want: []perm.Permission{all[1], all[4]}},
		"the operator has his own":  {roles: []string{authz.PlatformAdmin}, want: []perm.Permission{"system.health.check"}},
		"roles add up":              {roles: []string{authz.Viewer, authz.Member}, want: []perm.Permission{all[1], all[2], all[4]}},
		"a custom role by name":     {roles: []string{"editor"}, rows: p("editor", "blog.post.read"), want: all[4:5]},
		"a resource's wildcard":     {roles: []string{"editor"}, rows: p("editor", "blog.post.*"), want: all[2:6]},
		"a module's wildcard":       {roles: []string{"editor"}, rows: p("editor", "blog.*"), want: all[1:6]},
		"everything but operations": {roles: []string{"editor"}, rows: p("editor", "*", "system.*", "system.health.*"), want: all},
		"operations by name":        {roles: []string{"editor"}, rows: p("editor", "system.health.check")},
		"patterns that are none": {
			roles: []string{"editor"}, rows: p("editor", "", "blog", "blog.", "blog.po*", ".*", "*.*", "blog.post.read.*", "blog*", "**"),
		},
		"what no module declares":        {roles: []string{"editor"}, rows: p("editor", "shop.order.read")},
		"a role that is unknown":         {roles: []string{"ghost"}, rows: p("editor", "*")},
		"a stored rule of a built-in":    {roles: []string{authz.Viewer}, rows: p(authz.Viewer, "*"), want: []perm.Permission{all[1], all[4]}},
		"a role of every tenant":         {roles: []string{"editor"}, rows: [][]string{{"p", "editor", "*", "*"}}},
		"a role of another tenant":       {roles: []string{"editor"}, rows: [][]string{{"p", "editor", there.String(), "*"}}},
		"a role within a role":           {roles: []string{"editor"}, rows: [][]string{{"g", "editor", authz.Owner, here.String()}}},
		"an unknown kind of rule":        {roles: []string{"editor"}, rows: [][]string{{"p2", "editor", here.String(), "*"}}},
		"a role whose name is no name":   {roles: []string{"editor,"}, rows: p("editor,", "*")},
		"a role that looks built in":     {roles: []string{"Owner"}, rows: p("Owner", "*")},
		"a role with any name":           {roles: []string{"Chief editor"}, rows: p("Chief editor", "blog.post.read"), want: all[4:5]},
		"a condition on a resource":      {roles: []string{"editor"}, rows: [][]string{{"p", "editor", here.String(), "blog.*", "own"}}},
		"a condition that is none":       {roles: []string{"editor"}, rows: [][]string{{"p", "editor", here.String(), "blog.*", "sometimes"}}},
		"a condition spelled otherwise":  {roles: []string{"editor"}, rows: [][]string{{"p", "editor", here.String(), "blog.*", "own and days=mon"}}},
		"a role that is named as a user": {roles: []string{here.String()}, rows: p(here.String(), "*")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, openSQLite(t), sample)
			user := uuid.New()
			for _, role := range test.roles {
				f.raw(t, here, "g", user.String(), role, here.String())
			}
			for _, row := range test.rows {
				f.raw(t, here, row[0], row[1:]...)
			}
			held, err := f.Permissions(t.Context(), here, user)
			require.NoError(t, err)
			require.ElementsMatch(t, test.want, held)
			require.True(t, slices.IsSorted(held))
			for _, d := range sample {
				err := f.Authorize(as(t.Context(), here, user), d.Name)
				if slices.Contains(test.want, d.Name) {
					require.NoError(t, err)
				} else {
					requireDenied(t, err)
				}
			}
		})
	}
}

func TestAuthorizeNeedsACallerInItsOwnTenant(t *testing.T) {
	t.Parallel()
	f := newFixture(t, openSQLite(t), sample)
	id, other, user := uuid.New(), uuid.New(), uuid.New()
	for _, in := range []uuid.UUID{id, other} {
		require.NoError(t, f.Assign(t.Context(), in, user, authz.Owner))
	}
	require.NoError(t, f.Authorize(as(t.Context(), id, user), "blog.post.read"))

	err := f.Authorize(tenant.NewContext(t.Context(), id), "blog.post.read")
	require.Equal(t, problem.Unauthenticated, problem.From(err).Kind)
	require.Equal(t, "auth.required", problem.From(err).Code)

	requireDenied(t, f.Authorize(auth.NewContext(t.Context(), &auth.Caller{UserID: user, TenantID: id}), "blog.post.read"))
	requireDenied(t, f.Authorize(tenant.NewContext(as(t.Context(), id, user), other), "blog.post.read"))
	requireDenied(t, f.Authorize(auth.NewContext(t.Context(), &auth.Caller{UserID: user}), "blog.post.read"))

	err = f.Authorize(as(t.Context(), id, user), "shop.order.read")
	requireDenied(t, err)
	require.Equal(t, `This needs the permission "shop.order.read".`, problem.From(err).Detail)
}

func TestAFailingDatabaseIsNoAnswer(t *testing.T) {
	t.Parallel()
	f := newFixture(t, openSQLite(t), sample)
	id, user := uuid.New(), uuid.New()
	require.NoError(t, f.Assign(t.Context(), id, user, authz.Owner))
	busy := problem.New(problem.Unavailable, "database.busy", "The database is busy")

	f.driver.before = func(context.Context) error { return busy }
	err := f.Authorize(as(t.Context(), id, user), "blog.post.read")
	require.ErrorIs(t, err, busy)
	require.Equal(t, problem.Unavailable, problem.From(err).Kind)
	_, err = f.Roles(t.Context(), id, user)
	require.ErrorIs(t, err, busy)
	_, err = f.Permissions(t.Context(), id, user)
	require.ErrorIs(t, err, busy)

	f.driver.before = nil
	require.NoError(t, f.Authorize(as(t.Context(), id, user), "blog.post.read"), "a failure is not kept")
}

func TestACallerWhoGivesUpDoesNotFailTheOthers(t *testing.T) {
	t.Parallel()
	f := newFixture(t, openSQLite(t), sample)
	id, user := uuid.New(), uuid.New()
	require.NoError(t, f.Assign(t.Context(), id, user, authz.Owner))

	var once sync.Once
	reading, release := make(chan struct{}), make(chan struct{})
	f.driver.before = func(ctx context.Context) error {
		once.Do(func() { close(reading) })
		<-release
		return ctx.Err()
	}
	ctx, cancel := context.WithCancel(as(t.Context(), id, user))
	first := make(chan error, 1)
	go func() { first <- f.Authorize(ctx, "blog.post.read") }()
	<-reading
	cancel()
	require.ErrorIs(t, <-first, context.Canceled)
	second := make(chan error, 1)
	go func() { second <- f.Authorize(as(t.Context(), id, user), "blog.post.read") }()
	close(release)
	require.NoError(t, <-second)
}

func TestNewRefusesACatalogThatCannotBe(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]permissions{
		"a name twice":         {{Name: "blog.post.read"}, {Name: "blog.post.read"}},
		"a name of two parts":  {{Name: "blog.read"}},
		"a condition unknown":  {{Name: "blog.post.read", Conditional: []perm.Holder{{Role: authz.Member, When: "perhaps"}}}},
		"no condition":         {{Name: "blog.post.read", Conditional: []perm.Holder{{Role: authz.Member}}}},
		"a role not built in":  {{Name: "blog.post.read", Roles: []string{"editor"}}},
		"a wildcard as a name": {{Name: "blog.post.*"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := New(nil, nil, c, nil)
			require.ErrorContains(t, err, string(c[0].Name))
		})
	}
}

func TestAnAnnouncementThatFailsUndoesTheChange(t *testing.T) {
	t.Parallel()
	f := newFixture(t, openSQLite(t), sample)
	id, user := uuid.New(), uuid.New()
	f.announced.fail = errors.New("no feed")
	require.ErrorIs(t, f.Assign(t.Context(), id, user, authz.Owner), f.announced.fail)
	roles, err := f.Roles(t.Context(), id, user)
	require.NoError(t, err)
	require.Empty(t, roles)
}
