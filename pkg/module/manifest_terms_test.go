package module_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/module"
)

func TestAFaultOfWhatPlansAreMadeOfIsNamed(t *testing.T) {
	t.Parallel()
	const head = "name: blog\nversion: 1.0.0\ndescription: Posts.\n"
	for _, c := range []struct{ declared, want string }{
		{"entitlements:\n  - {name: blog.following, description: Follow.}\nunits:\n  - {name: posts, description: Posts.}\npolicies:\n  - {name: model, description: Models, default: deny}\n", ""},
		{"policies:\n  - {name: model, description: Models, default: allow}\n", ""},
		{"entitlements:\n  - {name: wiki.following, description: Follow.}\n", `entitlement "wiki.following" is not <module>.<feature> within the namespace blog`},
		{"entitlements:\n  - {name: blog.a, description: A.}\n  - {name: blog.a, description: A.}\n", `entitlement "blog.a" is declared twice`},
		{"units:\n  - {name: posts, description: A.}\n  - {name: posts, description: A.}\n", `unit "posts" is declared twice`},
		{"entitlements:\n  - {name: blog.a}\n", `entitlement "blog.a" has no description`},
		{"units:\n  - {name: posts}\n", `unit "posts" has no description`},
		{"units:\n  - {name: Posts, description: A.}\n", `unit "Posts" is not a word`},
		{"policies:\n  - {name: model}\n", `policy "model" has no description`},
		{"policies:\n  - {name: model, description: A., default: maybe}\n", `policy "model": default can only be deny or allow`},
	} {
		_, err := module.ParseManifest([]byte(head + c.declared))
		if c.want == "" {
			require.NoError(t, err, c.declared)
			continue
		}
		require.ErrorContains(t, err, c.want, c.declared)
	}
}
