package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/cli"
)

func TestATemplateIsPreviewedWithoutADatabase(t *testing.T) {
	t.Parallel()
	environment := " --environment test --set notify.dir=" + filepath.Join(t.TempDir(), "mail")
	out, code := run(t, "notify preview identity.invitation"+environment)
	require.Equal(t, cli.OK, code, out)
	require.Contains(t, out, "Subject: You are invited to acme")
	out, code = run(t, "notify preview identity.invitation --locale zh-TW --part subject"+environment)
	require.Equal(t, cli.OK, code, out)
	require.Equal(t, "您被邀请加入 acme\n", out)

	data := filepath.Join(t.TempDir(), "data.json")
	require.NoError(t, os.WriteFile(data, []byte(`{"tenant":"globex","link":"https://example.com","valid_for":60}`), 0o600))
	out, code = run(t, "notify preview identity.invitation --part text --data @"+data+environment)
	require.Equal(t, cli.OK, code, out)
	require.Contains(t, out, "1 minute")
	out, code = run(t, "notify preview notify.digest --part html"+environment)
	require.Equal(t, cli.OK, code, out)
	require.Contains(t, out, "<h3>A post was published</h3>")

	for _, wrong := range []string{
		"notify preview identity.nothing", "notify preview identity.invitation --part body", "notify preview identity.invitation --data {}",
		"notify preview identity.invitation --data []", "notify preview identity.invitation --data @/nowhere",
	} {
		_, code = run(t, wrong+environment)
		require.Equal(t, cli.Failed, code, wrong)
	}
	_, code = run(t, "notify preview")
	require.Equal(t, cli.Usage, code)
}
