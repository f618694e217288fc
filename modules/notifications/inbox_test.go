package notifications_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
)

func TestAnInboxIsReadAndPutAside(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	other := r.Register(t, "other")
	for i := range 5 {
		r.tell(t, r.owner, "news", fmt.Sprint(i))
	}
	r.Settled(t)
	require.Equal(t, 5, r.unread(t, r.owner.Token))
	require.Zero(t, r.unread(t, other.Token))

	all, next := r.list(t, r.owner.Token, "?limit=3")
	require.Len(t, all, 3)
	require.NotNil(t, next)
	rest, next := r.list(t, r.owner.Token, "?limit=3&cursor="+*next)
	require.Len(t, rest, 2)
	require.Nil(t, next)
	subjects := map[string]bool{}
	for _, m := range append(all, rest...) {
		subjects[m.Subject] = true
		require.Equal(t, "sample.news", m.Template)
		require.Equal(t, "news", m.Category)
	}
	require.Len(t, subjects, 5, "each is there once")

	change := func(status int, u testapp.User, id uuid.UUID, body fields) (m message) {
		answer := r.Want(t, status, testapp.Call{Method: "PATCH", Path: inbox + "/" + id.String(), Token: u.Token, Body: body})
		if status == http.StatusOK {
			answer.JSON(t, &m)
		}
		return m
	}
	first := all[0].ID
	read := change(http.StatusOK, r.owner, first, fields{"read": true})
	require.NotNil(t, read.ReadAt)
	require.Equal(t, read.ReadAt, change(http.StatusOK, r.owner, first, fields{"read": true}).ReadAt, "it keeps its time")
	require.Equal(t, 4, r.unread(t, r.owner.Token))
	require.Nil(t, change(http.StatusOK, r.owner, first, fields{"read": false}).ReadAt)
	require.NotNil(t, change(http.StatusOK, r.owner, first, fields{"archived": true}).ArchivedAt)
	require.Equal(t, 4, r.unread(t, r.owner.Token))
	kept, _ := r.list(t, r.owner.Token, "")
	require.Len(t, kept, 4)
	aside, _ := r.list(t, r.owner.Token, "?archived=true")
	require.Len(t, aside, 1)

	var marked struct{ Marked int }
	r.Want(t, http.StatusOK, testapp.Call{Method: "POST", Path: inbox + "/read-all", Token: r.owner.Token}).JSON(t, &marked)
	require.Equal(t, 4, marked.Marked)
	fresh, _ := r.list(t, r.owner.Token, "?unread=true")
	require.Empty(t, fresh)

	change(http.StatusNotFound, other, first, fields{"read": true})
	change(http.StatusNotFound, r.owner, uuid.New(), fields{"read": true})
	change(http.StatusUnprocessableEntity, r.owner, first, fields{})
	r.Want(t, http.StatusUnauthorized, testapp.Call{Path: inbox})
}
