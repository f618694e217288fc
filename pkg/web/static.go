package web

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"
)

// strictPolicy lets a page load what comes with it, and nothing else. A page in a frame could be clicked on unseen.
const strictPolicy = "default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"

const (
	forever    = "public, max-age=31536000, immutable" // the name changes with the content
	revalidate = "no-cache"                            // kept, and asked about each time
)

// Site is a front end: files that anybody may read. It serves GET and HEAD, parts of files, and 304 for what the client has.
// A file has the hash of its content as ETag, the same on every replica. Beside a file there may be the same compressed, as
// name.br, name.zst or name.gz, for clients that accept it. A folder is its index.html; there are no listings. Names that
// begin with a dot are never served.
type Site struct {
	files     fs.FS
	policy    string
	single    bool
	immutable []string

	mu   sync.Mutex
	tags map[string]*tagged
}

// SiteOption changes how a Site is served.
type SiteOption func(*Site)

// Static serves files: those of an embed.FS (see module.Sub), or of a folder, opened with os.OpenRoot so that no link leads out of
// it. The files may change meanwhile.
func Static(files fs.FS, options ...SiteOption) *Site {
	s := &Site{files: files, policy: strictPolicy, tags: map[string]*tagged{}}
	for _, option := range options {
		option(s)
	}
	return s
}

// SinglePage serves the index.html of the site where a browser navigates to a path that is no file, so that the page's own
// router finds it. What has an extension, or is not asked for as a page, is still not found.
func SinglePage() SiteOption { return func(s *Site) { s.single = true } }

// Policy is the Content-Security-Policy of every file. By default all that a page loads comes from its own origin, and
// inline scripts and styles do not run.
func Policy(policy string) SiteOption { return func(s *Site) { s.policy = policy } }

// Immutable names files that browsers keep for a year without asking again, by patterns as of path.Match, such as assets/*. They
// come beside those whose names have a hash that is recognized: 8 characters, or hexadecimal digits, behind a hyphen or a dot.
func Immutable(patterns ...string) SiteOption {
	return func(s *Site) { s.immutable = append(s.immutable, patterns...) }
}

// Check tells what would keep the site from working.
func (s *Site) Check() error {
	for _, pattern := range s.immutable {
		if _, err := path.Match(pattern, ""); err != nil {
			return fmt.Errorf("the pattern %q: %w", pattern, err)
		}
	}
	if strings.ContainsFunc(s.policy, func(r rune) bool { return r < ' ' || r > '~' }) {
		return fmt.Errorf("the policy %q is no header", s.policy)
	}
	if s.single && !s.has("index.html") {
		return fmt.Errorf("a single page without index.html")
	}
	return nil
}

// Answer serves what there is at a path, which is below the site's and does not begin with a slash. It returns false, and has
// written nothing, when there is nothing; only GET and HEAD have anything.
func (s *Site) Answer(w http.ResponseWriter, r *http.Request, at string) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead || !servable(r.URL, at) {
		return false
	}
	name, folder := at, at == "" || strings.HasSuffix(at, "/")
	if folder {
		name += "index.html"
	}
	switch {
	case s.has(name):
		return s.serve(w, r, name)
	case !folder && s.has(name+"/index.html"):
		to := url.URL{Path: r.URL.Path + "/", RawQuery: r.URL.RawQuery}
		w.Header().Set("Location", to.String()) // begins with one slash: it stays on this host
		w.WriteHeader(http.StatusTemporaryRedirect)
		return true
	case s.single && navigates(r, at):
		return s.has("index.html") && s.serve(w, r, "index.html")
	}
	return false
}

// servable refuses what no file of a site is called, and what somebody else on the way may have read as another path.
func servable(u *url.URL, at string) bool {
	if raw := strings.ToLower(u.RawPath); strings.Contains(raw, "%2f") || strings.Contains(raw, "%5c") {
		return false
	}
	if strings.HasPrefix(u.Path, "//") || strings.ContainsFunc(at, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' || r == ':' }) {
		return false
	}
	if at == "" {
		return true
	}
	return fs.ValidPath(strings.TrimSuffix(at, "/")) && at[0] != '.' && !strings.Contains(at, "/.")
}

// navigates tells whether a browser wants a page. Scripts and pictures that are missing are not asked for as text/html.
func navigates(r *http.Request, at string) bool {
	return !strings.Contains(path.Base(at), ".") && strings.Contains(strings.Join(r.Header["Accept"], ","), "text/html")
}

// has tells whether there is a file. It does not open it: a pipe would never return.
func (s *Site) has(name string) bool {
	info, err := fs.Stat(s.files, name)
	return err == nil && info.Mode().IsRegular()
}

// siblings are the codings in which a file may lie beside itself. Files are compressed once, so the smallest comes first.
var siblings = []struct{ coding, suffix string }{{"br", ".br"}, {"zstd", ".zst"}, {"gzip", ".gz"}}

// coded chooses the file to send instead, and tells whether there is a choice.
func (s *Site) coded(r *http.Request, name string) (file, coding string, choice bool) {
	var offered []string
	for _, sibling := range siblings {
		if s.has(name + sibling.suffix) {
			offered = append(offered, sibling.coding)
		}
	}
	if len(r.Header["Range"]) == 0 {
		coding = Encoding(r.Header["Accept-Encoding"], offered...)
	}
	for _, sibling := range siblings {
		if sibling.coding == coding {
			name += sibling.suffix
		}
	}
	return name, coding, len(offered) > 0
}

func (s *Site) serve(w http.ResponseWriter, r *http.Request, name string) bool {
	file, coding, choice := s.coded(r, name)
	f, err := s.files.Open(file)
	if err != nil {
		return false // it was there a moment ago
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return false
	}
	content, ok := f.(io.ReadSeeker)
	if !ok {
		all, err := io.ReadAll(f)
		if err != nil {
			return false
		}
		content = bytes.NewReader(all)
	}
	tag, err := s.tag(file, info, content)
	if err != nil {
		return false
	}
	h := w.Header()
	h.Set("ETag", tag)
	h.Set("Content-Type", mediaType(name))
	h.Set("Content-Security-Policy", s.policy)
	h.Set("Cache-Control", revalidate)
	if s.keeps(name) {
		h.Set("Cache-Control", forever)
	}
	if choice {
		h.Add("Vary", "Accept-Encoding")
	}
	if coding != "" {
		h.Set("Content-Encoding", coding)
		w = &measured{ResponseWriter: w, size: info.Size()}
	}
	http.ServeContent(w, r, name, info.ModTime(), content)
	return true
}

// measured says how long a coded file is, which http.ServeContent leaves out. It does so only where the file follows: a
// precondition may turn out not to hold, and that answer has no body.
type measured struct {
	http.ResponseWriter
	size int64
}

// WriteHeader implements http.ResponseWriter.
func (m *measured) WriteHeader(status int) {
	if status == http.StatusOK {
		m.Header().Set("Content-Length", strconv.FormatInt(m.size, 10))
	} else {
		m.Header().Del("Content-Encoding")
	}
	m.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (m *measured) Unwrap() http.ResponseWriter { return m.ResponseWriter }

func (s *Site) keeps(name string) bool {
	for _, pattern := range s.immutable {
		if ok, _ := path.Match(pattern, name); ok {
			return true
		}
	}
	return hashed(path.Base(name))
}
