package perm_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/yourorg/platform/pkg/perm"
)

func TestARoleInAManifestMayHaveACondition(t *testing.T) {
	t.Parallel()
	const text = `name: blog.post.update
description: Change a post.
attributes:
    - owner
roles:
    - owner
    - role: member
      when: own
`
	var d perm.Definition
	require.NoError(t, yaml.Unmarshal([]byte(text), &d))
	require.Equal(t, perm.Definition{
		Name: "blog.post.update", Description: "Change a post.", Attributes: []string{"owner"}, Roles: []string{"owner"},
		Conditional: []perm.Holder{{Role: "member", When: "own"}},
	}, d)
	again, err := yaml.Marshal(d)
	require.NoError(t, err)
	require.Equal(t, text, string(again))

	var forgotten perm.Definition
	require.NoError(t, yaml.Unmarshal([]byte("{name: a.b.c, roles: [{role: member}]}"), &forgotten))
	require.Empty(t, forgotten.Roles, "a mapping that forgets its condition gives nothing away")
	require.Equal(t, []perm.Holder{{Role: "member"}}, forgotten.Conditional)
}
