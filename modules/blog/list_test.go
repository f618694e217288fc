package blog_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
)

func TestAListIsNewestFirstAndHasDrafts(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	require.Equal(t, list{Items: []post{}}, d.list(t, ""))
	for _, title := range []string{"One", "Two", "Three"} {
		p := d.create(t, fields{"title": title})
		if title == "Two" {
			d.Want(t, http.StatusOK, testapp.Call{Method: "POST", Path: p.path() + "/publish", Token: d.author.Token})
		}
	}
	require.Equal(t, []string{"Three", "Two", "One"}, d.list(t, "").titles())
	require.Nil(t, d.list(t, "").NextCursor)
}

func TestFiltersNarrowAList(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.create(t, fields{"title": "Draft"})
	p := d.create(t, fields{"title": "Public"})
	d.Want(t, http.StatusOK, testapp.Call{Method: "POST", Path: p.path() + "/publish", Token: d.author.Token})

	for query, want := range map[string][]string{
		"?status=draft":                                      {"Draft"},
		"?status=published":                                  {"Public"},
		"?author=" + d.author.ID.String():                    {"Public", "Draft"},
		"?author=" + uuid.NewString():                        {},
		"?status=draft&author=" + d.author.ID.String():       {"Draft"},
		"?status=published&limit=1":                          {"Public"},
		"?limit=200&status=draft&author=" + uuid.NewString(): {},
	} {
		page := d.list(t, query)
		require.Equal(t, want, page.titles(), query)
		require.Nil(t, page.NextCursor, query)
	}
}

func TestCursorsWalkAListToItsEnd(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var want []string
	for n := range 7 {
		want = append(want, d.create(t, fields{"title": fmt.Sprintf("Post %d", n)}).Title)
	}
	slices.Reverse(want)
	for limit := 1; limit <= 8; limit++ {
		var got []string
		pages := 0
		query := fmt.Sprintf("?limit=%d", limit)
		for cursor := new(string); cursor != nil; pages++ {
			page := d.list(t, query+*cursor)
			require.LessOrEqual(t, len(page.Items), limit)
			got = append(got, page.titles()...)
			if cursor = page.NextCursor; cursor != nil {
				require.Equal(t, url.QueryEscape(*cursor), *cursor, "a cursor is safe in a URL")
				*cursor = "&cursor=" + *cursor
			}
		}
		require.Equal(t, want, got, "limit %d", limit)
		require.Equal(t, (7+limit-1)/limit, pages, "limit %d: the last page knows that it is the last", limit)
	}
}

func TestPostsThatComeOrGoDoNotShiftAPage(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	first, second := d.create(t, fields{"title": "1"}), d.create(t, fields{"title": "2"})
	third := d.create(t, fields{"title": "3"})
	page := d.list(t, "?limit=1")
	require.Equal(t, []string{"3"}, page.titles())

	d.create(t, fields{"title": "4"})
	for _, gone := range []post{third, second} {
		d.Want(t, http.StatusNoContent, testapp.Call{Method: "DELETE", Path: gone.path(), Token: d.author.Token})
	}
	rest := d.list(t, "?cursor="+*page.NextCursor)
	require.Equal(t, []string{first.Title}, rest.titles())
	require.Nil(t, rest.NextCursor)
}
