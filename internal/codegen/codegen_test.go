package codegen

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/contract"
	"github.com/yourorg/platform/pkg/entitlement"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/perm"
	"github.com/yourorg/platform/pkg/policy"
	"github.com/yourorg/platform/pkg/quota"
)

// What is checked in is what the generator makes. The ent clients are left to "make check": they take too long.
func TestTheTreeIsUpToDate(t *testing.T) {
	t.Parallel()
	sources, err := find("../..")
	require.NoError(t, err)
	require.Greater(t, len(sources), 3)
	dir := t.TempDir()
	for _, s := range sources {
		require.NoError(t, permissions(dir, s))
		if s.contract != nil {
			require.NoError(t, server(dir, s))
		}
	}
	require.NoError(t, bundle(dir, sources))
	require.NoError(t, list(dir, sources))

	files := 0
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		name, err := filepath.Rel(dir, path)
		require.NoError(t, err)
		made, err := os.ReadFile(path)
		require.NoError(t, err)
		kept, err := os.ReadFile(filepath.Join("../..", name))
		require.NoError(t, err)
		require.True(t, string(made) == string(kept), "%s is not what its sources say: run make generate", name)
		return nil
	}))
	require.Greater(t, files, 10)
}

func TestPermissionsBecomeConstants(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := source{dir: "modules/shop", manifest: module.Manifest{Name: "shop", Permissions: []perm.Definition{
		{Name: "shop.gift_card.issue", Description: "Issue a gift card."},
	}}}
	require.NoError(t, permissions(dir, s))
	text, err := os.ReadFile(filepath.Join(dir, "modules/shop/shopapi/permissions.gen.go"))
	require.NoError(t, err)
	require.Contains(t, string(text), header+"package shopapi\n")
	require.Contains(t, string(text), "\tPermGiftCardIssue perm.Permission = \"shop.gift_card.issue\" // Issue a gift card.\n")

	require.NoError(t, permissions(dir, source{dir: "modules/bare", manifest: module.Manifest{Name: "bare"}}))
	require.NoDirExists(t, filepath.Join(dir, "modules/bare"))
}

func TestWhatPlansCanGrantBecomesConstants(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	m := module.Manifest{
		Name:         "shop",
		Entitlements: []entitlement.Definition{{Name: "shop.gift_cards", Description: "Sell gift cards."}},
		Units:        []quota.Definition{{Name: "orders", Description: "Orders."}},
		Policies:     []policy.Definition{{Name: "carriers", Description: "Who delivers."}},
	}
	require.NoError(t, terms(dir, source{dir: "modules/shop", manifest: m}))
	text, err := os.ReadFile(filepath.Join(dir, "modules/shop/shopapi/terms.gen.go"))
	require.NoError(t, err)
	for _, want := range []string{
		header + "package shopapi\n", "EntGiftCards entitlement.Name = \"shop.gift_cards\" // Sell gift cards.",
		"UnitOrders quota.Unit = \"orders\" // Orders.", "KindCarriers policy.Kind = \"carriers\" // Who delivers.",
	} {
		require.Contains(t, string(text), want)
	}
	core := m
	core.Kind = "core"
	for _, nothing := range []module.Manifest{{Name: "bare"}, core} {
		require.NoError(t, terms(dir, source{dir: "modules/bare", manifest: nothing}))
		require.NoDirExists(t, filepath.Join(dir, "modules/bare"))
	}
}

func TestAFaultNamesItsFile(t *testing.T) {
	t.Parallel()
	const good = "name: shop\nversion: 1.0.0\ndescription: A shop.\n"
	for name, tt := range map[string]struct {
		files map[string]string
		want  string
	}{
		"a manifest that cannot be read": {map[string]string{"module.yaml": "nme: shop"}, "modules/shop/module.yaml"},
		"a contract that cannot be read": {map[string]string{"module.yaml": good, "openapi.yaml": "openapi: ["}, "modules/shop/module.yaml: contract"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for file, text := range tt.files {
				require.NoError(t, write(dir, "modules/shop/"+file, []byte(text)))
			}
			require.ErrorContains(t, Run(dir), tt.want)
		})
	}
}

func TestTwoContractsCannotShareAnOperation(t *testing.T) {
	t.Parallel()
	c, err := contract.Parse([]byte("openapi: 3.0.3\ninfo: {title: A, version: v1}\npaths:\n  /a:\n    get: {operationId: A, security: [], responses: {\"200\": {description: OK}}}\n"))
	require.NoError(t, err)
	a, b := source{manifest: module.Manifest{Name: "a"}, contract: c}, source{manifest: module.Manifest{Name: "b"}, contract: c}
	require.ErrorContains(t, bundle(t.TempDir(), []source{a, b}), "/a")
}

func TestAFileThatIsUpToDateIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, write(dir, "a/b.go", []byte("package   b")))
	file := filepath.Join(dir, "a/b.go")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "package b\n", string(text))
	long := time.Now().Add(-time.Hour).Truncate(time.Second)
	require.NoError(t, os.Chtimes(file, long, long))
	require.NoError(t, write(dir, "a/b.go", []byte("package b")))
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.True(t, info.ModTime().Equal(long), "builds stay cached")
	require.ErrorContains(t, write(dir, "a/c.go", []byte("package")), "a/c.go")
}

func TestNamesAreJoined(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"post.create": "PostCreate", "gift_card.issue": "GiftCardIssue", "a": "A", "": "", "a..b": "AB"} {
		require.Equal(t, want, camel(in))
	}
}
