package blog_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/pkg/authz"
)

func TestProblems(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	p := d.create(t, fields{"title": "There", "slug": "there"})
	viewer := d.Register(t, "viewer")
	for _, change := range []error{
		d.Grants.Unassign(t.Context(), viewer.TenantID, viewer.ID, authz.Owner),
		d.Grants.Assign(t.Context(), viewer.TenantID, viewer.ID, authz.Viewer),
	} {
		if change != nil {
			t.Fatal(change)
		}
	}
	absent := posts + "/" + uuid.NewString()
	for name, call := range map[string]testapp.Call{
		"problem_not_found":         {Path: absent},
		"problem_no_uuid":           {Path: posts + "/42"},
		"problem_slug_taken":        {Method: "POST", Path: posts, Body: fields{"title": "x", "slug": "there"}},
		"problem_blank_title":       {Method: "POST", Path: posts, Body: fields{"title": " \t "}},
		"problem_fields":            {Method: "POST", Path: posts, Body: fields{"title": "", "slug": "No Slug!", "content": 7, "status": "published"}},
		"problem_title_too_long":    {Method: "POST", Path: posts, Body: fields{"title": strings.Repeat("x", 201)}},
		"problem_nothing_to_change": {Method: "PATCH", Path: p.path(), Body: fields{}, Header: map[string]string{"If-Match": p.etag}},
		"problem_if_match_missing":  {Method: "PATCH", Path: p.path(), Body: fields{"title": "x"}},
		"problem_if_match_stale":    {Method: "PATCH", Path: p.path(), Body: fields{"title": "x"}, Header: map[string]string{"If-Match": `"0"`}},
		"problem_publish_body":      {Method: "POST", Path: p.path() + "/publish", Body: "{}"},
		"problem_filter":            {Path: posts + "?status=public&author=me&sort=title"},
		"problem_cursor":            {Path: posts + "?cursor=next"},
		"problem_denied":            {Method: "DELETE", Path: absent, Token: viewer.Token},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if call.Token == "" {
				call.Token = d.author.Token
			}
			d.Do(t, call).Golden(t, name)
		})
	}
	t.Run("problem_signed_out", func(t *testing.T) {
		t.Parallel()
		d.Want(t, http.StatusUnauthorized, testapp.Call{Path: p.path()}).Golden(t, "problem_signed_out")
	})
}
