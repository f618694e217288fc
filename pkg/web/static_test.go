package web_test

import (
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/web"
)

// answered is what a site has for a request below "/", as a client sends it; ok is false when it has nothing.
func answered(site *web.Site, method, target string, header ...string) (w *httptest.ResponseRecorder, ok bool) {
	r := &http.Request{Method: method, Header: http.Header{}}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil, false // net/http answers 400
	}
	r.URL = u
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w = httptest.NewRecorder()
	return w, site.Answer(w, r, strings.TrimPrefix(u.Path, "/"))
}

func text(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }

var files = fstest.MapFS{
	"index.html": text("<p>home"), "about.html": text("<p>about"), "docs/index.html": text("<p>docs"), "empty/file.txt": text("a file"),
	"assets/index-BX3kYz1a.js": text("script"), "assets/index-BX3kYz1a.js.br": text("br!"), "assets/index-BX3kYz1a.js.gz": text("gzip!"),
	"assets/logo.svg": text("<svg/>"), "data.bin": text("<script>"), "notes.zst": text("an archive"), ".env": text("hunter2"),
	".git/config": text("hunter2"), "docs/.hidden/x.txt": text("hunter2"), "docs/.htaccess": text("hunter2"),
}

func TestASiteServesItsFiles(t *testing.T) {
	t.Parallel()
	site := web.Static(files)
	require.NoError(t, site.Check())
	for path, want := range map[string][3]string{
		"/":                         {"<p>home", "text/html; charset=utf-8", "no-cache"},
		"/index.html":               {"<p>home", "text/html; charset=utf-8", "no-cache"},
		"/docs/":                    {"<p>docs", "text/html; charset=utf-8", "no-cache"},
		"/assets/index-BX3kYz1a.js": {"script", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		"/assets/logo.svg":          {"<svg/>", "image/svg+xml", "no-cache"},
		"/data.bin":                 {"<script>", "application/octet-stream", "no-cache"},
		"/empty/file.txt?v=2":       {"a file", "text/plain; charset=utf-8", "no-cache"},
	} {
		w, ok := answered(site, http.MethodGet, path)
		require.True(t, ok, path)
		require.Equal(t, http.StatusOK, w.Code)
		require.Equal(t, want, [3]string{w.Body.String(), w.Header().Get("Content-Type"), w.Header().Get("Cache-Control")}, path)
		require.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'self';")
		tag := w.Header().Get("ETag")
		require.Regexp(t, `^"[0-9a-f]{32}"$`, tag)

		head, ok := answered(site, http.MethodHead, path)
		require.True(t, ok)
		require.Empty(t, head.Body.String())
		require.Equal(t, w.Header(), head.Header())

		known, ok := answered(site, http.MethodGet, path, "If-None-Match", tag)
		require.True(t, ok)
		require.Equal(t, http.StatusNotModified, known.Code)
		require.Empty(t, known.Body.String())
		require.Equal(t, want[2], known.Header().Get("Cache-Control"))

		part, ok := answered(site, http.MethodGet, path, "Range", "bytes=1-2", "If-Range", tag)
		require.True(t, ok)
		require.Equal(t, http.StatusPartialContent, part.Code)
		require.Equal(t, want[0][1:3], part.Body.String())
	}
}

func TestASiteHasNothingElse(t *testing.T) {
	t.Parallel()
	site := web.Static(files)
	for _, path := range []string{
		"/nothing", "/assets/", "/assets", "/empty/", "/index.html/", "/docs/index.html/x", "/.env", "/.git/config", "/docs/.hidden/x.txt", "/docs/.htaccess",
		"/docs/.hidden/", "/./index.html", "/../index.html", "/docs/../index.html", "/docs/..", "//index.html", "/docs//index.html", "/docs%2findex.html",
		"/docs%2Findex.html", "/docs%5cindex.html", "/docs\\index.html", "/%2e%2e/index.html", "/%2e%2e%2f%2e%2e%2fetc/passwd", "/%2eenv", "/index.html%00",
		"/index.html%00.js", "/index.html%0a", "/%ff", "/index.html::$DATA", "/c:/index.html", "/index.html%20", "/INDEX.HTML", "/" + strings.Repeat("a/", 5000),
	} {
		w, ok := answered(site, http.MethodGet, path)
		require.False(t, ok, path)
		if w != nil {
			require.Empty(t, w.Header())
			require.Empty(t, w.Body.String())
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "BREW", ""} {
		_, ok := answered(site, method, "/index.html")
		require.False(t, ok, method)
	}
}

func TestAFolderWithAPageGetsItsSlash(t *testing.T) {
	t.Parallel()
	w, ok := answered(web.Static(files), http.MethodGet, "/docs?a=b&c=%0d%0aX:y")
	require.True(t, ok)
	require.Equal(t, http.StatusTemporaryRedirect, w.Code)
	require.Equal(t, "/docs/?a=b&c=%0d%0aX:y", w.Header().Get("Location"))
	for _, path := range []string{"//docs", "//evil.example.com/docs", "/\\evil.example.com/..//docs"} {
		_, ok := answered(web.Static(files), http.MethodGet, path)
		require.False(t, ok, path)
	}
}

func TestAFileIsSentAsItLiesCompressedBesideItself(t *testing.T) {
	t.Parallel()
	site := web.Static(files)
	tags := map[string]string{}
	for accept, want := range map[string][2]string{
		"gzip, deflate, br, zstd": {"br", "br!"}, "gzip": {"gzip", "gzip!"}, "zstd": {"", "script"}, "": {"", "script"}, "br;q=0, gzip;q=0.1": {"gzip", "gzip!"},
	} {
		w, ok := answered(site, http.MethodGet, "/assets/index-BX3kYz1a.js", "Accept-Encoding", accept)
		require.True(t, ok)
		require.Equal(t, want, [2]string{w.Header().Get("Content-Encoding"), w.Body.String()}, accept)
		require.Equal(t, "text/javascript; charset=utf-8", w.Header().Get("Content-Type"))
		require.Equal(t, "Accept-Encoding", w.Header().Get("Vary"))
		require.Contains(t, w.Header().Get("Cache-Control"), "immutable")
		require.Equal(t, strconv.Itoa(len(want[1])), w.Header().Get("Content-Length"))
		tags[w.Header().Get("ETag")] = want[0]
		head, _ := answered(site, http.MethodHead, "/assets/index-BX3kYz1a.js", "Accept-Encoding", accept)
		require.Equal(t, w.Header(), head.Header())
	}
	require.Len(t, tags, 3, "each coding has a tag of its own")

	part, ok := answered(site, http.MethodGet, "/assets/index-BX3kYz1a.js", "Accept-Encoding", "br", "Range", "bytes=0-2")
	require.True(t, ok)
	require.Equal(t, "scr", part.Body.String(), "a part is one of the file as it is")
	require.Empty(t, part.Header().Get("Content-Encoding"))
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		failed, _ := answered(site, method, "/assets/index-BX3kYz1a.js", "Accept-Encoding", "br", "If-Match", `"another"`)
		require.Equal(t, http.StatusPreconditionFailed, failed.Code)
		require.Empty(t, failed.Header().Get("Content-Length"), "no file follows")
		require.Empty(t, failed.Header().Get("Content-Encoding"))
		require.Empty(t, failed.Body)
	}
	_, ok = answered(site, http.MethodGet, "/notes", "Accept-Encoding", "zstd")
	require.False(t, ok, "what is only there compressed is another file")
	w, _ := answered(site, http.MethodGet, "/index.html", "Accept-Encoding", "br")
	require.Empty(t, w.Header().Get("Vary"))
}

const page = "text/html,application/xhtml+xml,*/*;q=0.8"

func TestASinglePageIsServedForItsOwnPaths(t *testing.T) {
	t.Parallel()
	site := web.Static(files, web.SinglePage())
	for _, path := range []string{"/settings", "/settings/", "/posts/42/edit", "/über", "/empty", "/empty/"} {
		w, ok := answered(site, http.MethodGet, (&url.URL{Path: path}).EscapedPath(), "Accept", page)
		require.True(t, ok, path)
		require.Equal(t, "<p>home", w.Body.String())
		require.Equal(t, "no-cache", w.Header().Get("Cache-Control"))
		_, ok = answered(site, http.MethodGet, (&url.URL{Path: path}).EscapedPath(), "Accept", "*/*")
		require.False(t, ok, "a script does not navigate")
		_, ok = answered(site, http.MethodPost, (&url.URL{Path: path}).EscapedPath(), "Accept", page)
		require.False(t, ok)
	}
	for _, path := range []string{"/missing.js", "/posts/42.json", "/.env", "/a/.git/config", "/a/../b", "//settings", "/a%2fb", "/a%00"} {
		_, ok := answered(site, http.MethodGet, path, "Accept", page)
		require.False(t, ok, path)
	}
	w, _ := answered(site, http.MethodGet, "/about.html", "Accept", page)
	require.Equal(t, "<p>about", w.Body.String())
}

func TestWhatCannotWorkIsSaid(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, web.Static(fstest.MapFS{}, web.SinglePage()).Check(), "index.html")
	require.ErrorContains(t, web.Static(files, web.Immutable("a/[")).Check(), "a/[")
	require.ErrorContains(t, web.Static(files, web.Policy("a\r\nX: y")).Check(), "policy")
}

func TestNamesThatHaveAHash(t *testing.T) {
	t.Parallel()
	names := map[string]bool{
		"index-BX3kYz1a.js": true, "main.8e0d62a3.chunk.js": true, "chunk-OAV3WYTK.css": true, "main.a1b2c3d4e5f6a7b8.js": true, "index-B-3kYz1a.js": true,
		"font.2d2e2b8f.woff2": true, "123-abcdef0123456789.js": true, "name-_3kYz1aQ.js": true,
		"index.html": false, "app.js": false, "my-settings.js": false, "my-setting1.js": false, "my-Setting1.js": false, "report-20240101.pdf": false,
		"jquery-3.7.1.min.js": false, "bootstrap5-utilities2.css": false, "BX3kYz1a.js": false, "8e0d62a3": false, "deadbeef.js": false, "a.deadbeef.js": false,
		"x.8E0D62A3F.js": false, "page-1a.js": false,
	}
	site := fstest.MapFS{"assets/plain.js": text("x")}
	for name := range names {
		site[name] = text("x")
	}
	kept := web.Static(site, web.Immutable("assets/*"))
	names["assets/plain.js"] = true
	for name, want := range names {
		w, ok := answered(kept, http.MethodGet, "/"+name)
		require.True(t, ok, name)
		require.Equal(t, want, strings.Contains(w.Header().Get("Cache-Control"), "immutable"), name)
	}
}

// folder is a site on the disk, beside what it must never serve.
func folder(t testing.TB) (site *web.Site, dir string) {
	t.Helper()
	dir = t.TempDir()
	public := filepath.Join(dir, "public")
	require.NoError(t, os.MkdirAll(filepath.Join(public, "sub"), 0o700))
	for name, content := range map[string]string{"secret.txt": "hunter2", "public/index.html": "<p>home", "public/sub/a.txt": "inside", "public/.env": "hunter2"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	for link, to := range map[string]string{"out.txt": "../secret.txt", "absolute.txt": filepath.Join(dir, "secret.txt"), "up": "..", "within.txt": "sub/a.txt", "loop": "loop"} {
		require.NoError(t, os.Symlink(to, filepath.Join(public, link)))
	}
	root, err := os.OpenRoot(public)
	require.NoError(t, err)
	t.Cleanup(func() { _ = root.Close() })
	return web.Static(root.FS(), web.SinglePage()), dir
}

func TestNothingOutsideOfTheFolderIsServed(t *testing.T) {
	t.Parallel()
	site, dir := folder(t)
	require.NoError(t, site.Check())
	for _, path := range []string{"/out.txt", "/absolute.txt", "/up/secret.txt", "/up/", "/loop", "/sub/../../secret.txt", "/.env", dir + "/secret.txt"} {
		_, ok := answered(site, http.MethodGet, path)
		require.False(t, ok, path)
	}
	w, ok := answered(site, http.MethodGet, "/within.txt")
	require.True(t, ok)
	require.Equal(t, "inside", w.Body.String())

	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "public", "pipe"), 0o600))
	_, ok = answered(site, http.MethodGet, "/pipe")
	require.False(t, ok, "nobody waits for a pipe")
}

func TestAFileThatChangesGetsAnotherTag(t *testing.T) {
	t.Parallel()
	site, dir := folder(t)
	name := filepath.Join(dir, "public", "sub", "a.txt")
	first, _ := answered(site, http.MethodGet, "/sub/a.txt")
	again, _ := answered(site, http.MethodGet, "/sub/a.txt")
	require.Equal(t, first.Header().Get("ETag"), again.Header().Get("ETag"))
	require.NoError(t, os.WriteFile(name, []byte("other!"), 0o600))
	require.NoError(t, os.Chtimes(name, time.Time{}, time.Now().Add(time.Hour)))
	changed, _ := answered(site, http.MethodGet, "/sub/a.txt")
	require.Equal(t, "other!", changed.Body.String())
	require.NotEqual(t, first.Header().Get("ETag"), changed.Header().Get("ETag"))
	require.NoError(t, os.Remove(name))
	_, ok := answered(site, http.MethodGet, "/sub/a.txt")
	require.False(t, ok)
}

// unseekable is a file system such as a zip archive.
type unseekable struct{ fs.FS }

type onlyFile struct{ fs.File }

func (u unseekable) Open(name string) (fs.File, error) {
	f, err := u.FS.Open(name)
	return onlyFile{f}, err
}

func TestAFileNeedNotBeSeekable(t *testing.T) {
	t.Parallel()
	w, ok := answered(web.Static(unseekable{files}), http.MethodGet, "/about.html", "Range", "bytes=3-")
	require.True(t, ok)
	all, err := io.ReadAll(w.Body)
	require.NoError(t, err)
	require.Equal(t, "about", string(all))
}

func FuzzSite(f *testing.F) {
	site, _ := folder(f)
	for _, seed := range []string{"/", "/../secret.txt", "/up/secret.txt", "/%2e%2e/secret.txt", "/.env", "/sub/a.txt", "/..%2fsecret.txt", "/sub", "/\x00", "/a//b", "//x"} {
		f.Add(seed, "gzip", page)
	}
	f.Fuzz(func(t *testing.T, target, encoding, accept string) {
		w, ok := answered(site, http.MethodGet, target, "Accept-Encoding", encoding, "Accept", accept)
		switch {
		case w == nil:
		case !ok:
			require.Empty(t, w.Header())
			require.Empty(t, w.Body.String())
		case w.Code == http.StatusOK:
			require.Contains(t, []string{"<p>home", "inside"}, w.Body.String())
		default:
			require.Equal(t, http.StatusTemporaryRedirect, w.Code)
			require.Regexp(t, `^/[^/\\]`, w.Header().Get("Location"))
		}
	})
}
