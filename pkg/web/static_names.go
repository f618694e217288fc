package web

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"mime"
	"path"
	"strings"
	"sync"
	"time"
)

// hashed tells whether a bundler has put a hash into a file's name, as in index-BX3kYz1a.js, main.8e0d62a3.chunk.js or
// chunk-OAV3WYTK.css. A name that only looks like it would be kept for a year, so the hash must have letters and digits, and
// must not be a word with a number.
func hashed(base string) bool {
	parts := strings.Split(base, ".")
	for i, part := range parts[:len(parts)-1] { // the last is the extension
		if i > 0 && isHash(part) {
			return true
		}
		if n := len(part) - 8; n > 0 && part[n-1] == '-' && isHash(part[n:]) { // the hash itself may have a hyphen
			return true
		}
		if cut := strings.LastIndexByte(part, '-'); cut > 0 && isHash(part[cut+1:]) {
			return true
		}
	}
	return false
}

// isHash accepts 8 characters of base64url, and 8 or more hexadecimal digits.
func isHash(s string) bool {
	letters, digits, hexadecimal, word := 0, 0, true, true
	for i := range len(s) {
		c := s[i]
		switch {
		case '0' <= c && c <= '9':
			digits++
			continue
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
			letters++
			hexadecimal = hexadecimal && 'a' <= c && c <= 'f'
		case c == '_', c == '-':
			hexadecimal = false
		default:
			return false
		}
		word = word && digits == 0 && (i == 0 || c >= 'a')
	}
	if letters == 0 || digits == 0 {
		return false
	}
	if hexadecimal && len(s) >= 8 && len(s) <= 64 {
		return true
	}
	return len(s) == 8 && !word
}

// mediaTypes are those of front ends: what a machine's own table says differs from one to the next.
var mediaTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".csv": "text/csv; charset=utf-8", ".gz": "application/gzip", ".htm": "text/html; charset=utf-8",
	".html": "text/html; charset=utf-8", ".ico": "image/x-icon", ".js": "text/javascript; charset=utf-8", ".json": "application/json",
	".map": "application/json", ".md": "text/markdown; charset=utf-8", ".mjs": "text/javascript; charset=utf-8", ".otf": "font/otf",
	".pdf": "application/pdf", ".svg": "image/svg+xml", ".ttf": "font/ttf", ".txt": "text/plain; charset=utf-8", ".wasm": "application/wasm",
	".webmanifest": "application/manifest+json", ".woff": "font/woff", ".woff2": "font/woff2", ".xml": "application/xml", ".zip": "application/zip",
}

// mediaType never looks into the file: what somebody has written into one does not make it a script.
func mediaType(name string) string {
	extension := strings.ToLower(path.Ext(name))
	if known := mediaTypes[extension]; known != "" {
		return known
	}
	if known := mime.TypeByExtension(extension); known != "" {
		return known
	}
	return "application/octet-stream"
}

// mostTags bounds what is remembered of files that come and go.
const mostTags = 10_000

// tagged is the tag of a file as it was.
type tagged struct {
	size    int64
	changed time.Time
	once    sync.Once
	tag     string
	err     error
}

// tag hashes a file when it is first asked for, and again after it has changed.
func (s *Site) tag(name string, info fs.FileInfo, content io.ReadSeeker) (string, error) {
	s.mu.Lock()
	t := s.tags[name]
	if t == nil || t.size != info.Size() || !t.changed.Equal(info.ModTime()) {
		if len(s.tags) >= mostTags {
			clear(s.tags)
		}
		t = &tagged{size: info.Size(), changed: info.ModTime()}
		s.tags[name] = t
	}
	s.mu.Unlock()
	t.once.Do(func() { t.tag, t.err = hash(content) })
	if t.err != nil { // perhaps it can be read next time
		s.mu.Lock()
		delete(s.tags, name)
		s.mu.Unlock()
	}
	return t.tag, t.err
}

func hash(content io.ReadSeeker) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, content); err != nil {
		return "", err
	}
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	return `"` + hex.EncodeToString(h.Sum(nil)[:16]) + `"`, nil
}
