package reload

import (
	"os"
	"path/filepath"
)

// places are where a file is found and, when it is a link, what that leads to. Each folder has one name only, the one
// without links: the system tells of a folder under the last name that it was asked to watch it by.
func places(name string) []string {
	name, err := filepath.Abs(name)
	if err != nil {
		return nil
	}
	var all []string
	if folder, err := filepath.EvalSymlinks(filepath.Dir(name)); err == nil {
		all = append(all, filepath.Join(folder, filepath.Base(name)))
	}
	if behind, err := filepath.EvalSymlinks(name); err == nil && behind != all[0] {
		all = append(all, behind)
	}
	return all
}

func isFolder(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}
