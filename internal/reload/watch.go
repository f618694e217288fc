package reload

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
	"go.uber.org/zap"
)

const (
	settle = 200 * time.Millisecond // how long the files must be at rest: editors and deployments touch several

	// kubernetesLink is what a volume of Kubernetes swaps when a ConfigMap or a Secret changes.
	kubernetesLink = "..data"
)

// Watcher reloads when a file of the configuration changes.
type Watcher struct {
	cfg      Config
	reloader *Reloader
	log      *zap.Logger

	watch *fsnotify.Watcher // nil while nothing is watched
	files map[string]bool   // what matters inside the folders that are watched: files, or a whole folder
	end   context.CancelFunc
	ended chan struct{}
}

// NewWatcher returns a watcher that has not started.
func NewWatcher(cfg Config, r *Reloader, log *zap.Logger) *Watcher {
	return &Watcher{cfg: cfg, reloader: r, log: log, ended: make(chan struct{})}
}

// Start watches the folders of the files, because files are replaced rather than written. Where the system cannot, it says
// so and the process goes on: SIGHUP still works.
func (w *Watcher) Start(context.Context) error {
	if !w.cfg.Watch {
		return nil
	}
	watch, err := fsnotify.NewWatcher()
	if err != nil {
		w.log.Warn("the files of the configuration cannot be watched, send SIGHUP instead", zap.Error(err))
		return nil
	}
	w.watch = watch
	w.follow()
	ctx, end := context.WithCancel(context.Background())
	w.end = end
	go w.run(ctx)
	return nil
}

// Stop ends reloading altogether, so that nothing changes under a process that stops.
func (w *Watcher) Stop(context.Context) error {
	if w.watch != nil {
		w.end()
		<-w.ended
	}
	w.reloader.Close()
	return nil
}

func (w *Watcher) run(ctx context.Context) {
	defer close(w.ended)
	defer func() { _ = w.watch.Close() }() // nothing is lost
	var due <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-w.watch.Events:
			if w.concerns(e) {
				due = time.After(settle)
			}
		case err := <-w.watch.Errors:
			if errors.Is(err, fsnotify.ErrEventOverflow) { // whatever was lost
				due = time.After(settle)
				continue
			}
			w.log.Warn("the files of the configuration are not watched as they should be", zap.Error(err))
		case <-due:
			due = nil
			w.reloader.Reload(ctx, "file")
			w.follow()
		}
	}
}

// concerns tells whether an event is about a file of the configuration. Its folder may hold others, such as a database.
func (w *Watcher) concerns(e fsnotify.Event) bool {
	if e.Op == fsnotify.Chmod {
		return false
	}
	name := e.Name
	return w.files[name] || w.files[filepath.Dir(name)] || filepath.Base(name) == kubernetesLink
}

// follow watches where the files are now: behind links, the folder that they lead to as well. Folders that are not there
// are left out.
func (w *Watcher) follow() {
	w.files = map[string]bool{}
	var folders []string
	for _, name := range w.reloader.Config().Files() {
		for _, at := range places(name) {
			w.files[at] = true
			folders = append(folders, filepath.Dir(at), at) // a file cannot be watched as a folder, and need not be
		}
	}
	for _, old := range w.watch.WatchList() {
		if !slices.Contains(folders, old) {
			_ = w.watch.Remove(old) // it may be gone
		}
	}
	for _, folder := range folders {
		if isFolder(folder) {
			if err := w.watch.Add(folder); err != nil {
				w.log.Warn("a folder of the configuration cannot be watched, send SIGHUP instead", zap.String("folder", folder), zap.Error(err))
			}
		}
	}
}
