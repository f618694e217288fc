package perm_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/perm"
)

func TestAPermissionHasThreeParts(t *testing.T) {
	t.Parallel()
	for p, want := range map[perm.Permission]bool{
		"blog.post.publish": true, "a.b_c.d2": true,
		"blog.post": false, "blog.post.publish.now": false, "Blog.post.publish": false, "blog..publish": false,
		"blog.post.*": false, "": false, "blog.post.publish\n": false, "2blog.post.publish": false,
	} {
		require.Equal(t, want, p.Valid(), "%q", p)
	}
}
