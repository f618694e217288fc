package reload_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/reload"
)

// watched starts a watcher until the test ends.
func (r *rig) watched(t *testing.T) *reload.Watcher {
	t.Helper()
	w := reload.NewWatcher(reload.DefaultConfig(), r.reloader, zap.NewNop())
	require.NoError(t, w.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, w.Stop(t.Context())) })
	return w
}

// opens waits until the shop lets in so many.
func (r *rig) opens(t *testing.T, n int) {
	t.Helper()
	require.Eventually(t, func() bool { return r.live.Get().Open == n }, 30*time.Second, 5*time.Millisecond)
}

func TestAFileThatIsReplacedOrWrittenIsReloaded(t *testing.T) {
	t.Parallel()
	r := newRig(t, "shop.yaml")
	r.watched(t)
	r.write(t, "open: 5")
	r.opens(t, 5)
	file := filepath.Join(r.dir, "shop.yaml")
	require.NoError(t, os.WriteFile(file, []byte("shop: {open: 6}\n"), 0o600)) // in place
	r.opens(t, 6)
	require.NoError(t, os.Remove(file))
	require.Eventually(t, func() bool { return r.log.FilterLevelExact(zap.ErrorLevel).Len() == 1 }, 30*time.Second, 5*time.Millisecond)
	require.Equal(t, 6, r.live.Get().Open, "a file that is gone is unfit")
	r.write(t, "open: 7")
	r.opens(t, 7)
	require.NoError(t, os.WriteFile(filepath.Join(r.dir, ".env"), []byte("PLATFORM_SHOP_OPEN=8\n"), 0o600))
	r.opens(t, 8)
}

// A volume of Kubernetes is a folder of links through ..data, which is swapped.
func TestAConfigMapThatChangesIsReloaded(t *testing.T) {
	t.Parallel()
	r := newRig(t, "shop.yaml")
	file := filepath.Join(r.dir, "shop.yaml")
	version := func(name, shop string) {
		require.NoError(t, os.Mkdir(filepath.Join(r.dir, name), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(r.dir, name, "shop.yaml"), []byte("shop: {"+shop+"}\n"), 0o600))
		require.NoError(t, os.Symlink(name, filepath.Join(r.dir, "..data_tmp")))
		require.NoError(t, os.Rename(filepath.Join(r.dir, "..data_tmp"), filepath.Join(r.dir, "..data")))
	}
	version("..2026_01", "open: 4")
	require.NoError(t, os.Remove(file))
	require.NoError(t, os.Symlink(filepath.Join("..data", "shop.yaml"), file))
	r.watched(t)
	version("..2026_02", "open: 5")
	r.opens(t, 5)
	require.NoError(t, os.RemoveAll(filepath.Join(r.dir, "..2026_01")))
	version("..2026_03", "open: 6")
	r.opens(t, 6)
}

func TestALinkIsFollowedToWhereItLeads(t *testing.T) {
	t.Parallel()
	r := newRig(t, "shop.yaml")
	file, behind := filepath.Join(r.dir, "shop.yaml"), filepath.Join(t.TempDir(), "real.yaml")
	require.NoError(t, os.Rename(file, behind))
	require.NoError(t, os.Symlink(behind, file))
	r.watched(t)
	require.NoError(t, os.WriteFile(behind, []byte("shop: {open: 5}\n"), 0o600))
	r.opens(t, 5)
}

func TestOtherFilesInTheFolderDoNotMatter(t *testing.T) {
	t.Parallel()
	r := newRig(t, "shop.yaml")
	w := r.watched(t)
	r.write(t, "open: 5")
	require.Eventually(t, func() bool { // the folder is never at rest, the file is
		require.NoError(t, os.WriteFile(filepath.Join(r.dir, "platform.db"), []byte("rows"), 0o600))
		return r.live.Get().Open == 5
	}, 30*time.Second, 5*time.Millisecond)
	require.NoError(t, w.Stop(t.Context()))
	require.Equal(t, 1, r.log.FilterMessage("the configuration was reloaded").Len())
	r.write(t, "open: 6")
	require.Error(t, r.reloader.Reload(t.Context(), "test").Refused, "stopped for good")
	w = reload.NewWatcher(reload.Config{}, r.reloader, zap.NewNop())
	require.NoError(t, w.Start(t.Context()))
	require.NoError(t, w.Stop(t.Context()), "it may be off")
}
