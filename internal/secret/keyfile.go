package secret

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// keyFromFile reads the key in path, and makes one where there is none. Processes that start together agree on one key:
// each writes its own file in full and tries to link it to path, which only the first one can.
func keyFromFile(path string) ([]byte, error) {
	key, err := readKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	made, err := writeKey(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(made) }()
	if err := os.Link(made, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("keep the new key: %w", err)
	}
	return readKey(path)
}

func readKey(path string) ([]byte, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := parseKey(string(content))
	if err != nil {
		return nil, fmt.Errorf("the key in %s %w", path, err)
	}
	return key, nil
}

// writeKey puts a new key into a file of its own in dir, which only the owner can read.
func writeKey(dir string) (path string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(dir, ".encryption-*.key") // with mode 0600
	if err != nil {
		return "", err
	}
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails: the process ends when there is no randomness
	_, err = f.WriteString(base64.StdEncoding.EncodeToString(key) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", errors.Join(fmt.Errorf("write a new key: %w", err), os.Remove(f.Name()))
	}
	return f.Name(), nil
}
