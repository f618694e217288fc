package httpserver

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/yourorg/platform/internal/catalog"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/web"
)

// Static is the part "static" of the section: a front end that is in no module.
type Static struct {
	// Dir is a folder of files to serve to anybody. Empty, there is none. Links in it must not lead out of it.
	Dir string `mapstructure:"dir"`
	// Path is where the files are found: / or, for instance, /app.
	Path string `mapstructure:"path"`
	// SinglePage serves index.html where a browser navigates to a path below it that is no file.
	SinglePage bool `mapstructure:"single_page"`
	// Immutable are patterns of files that browsers may keep for a year without asking again, such as assets/*, beside those
	// whose names have a hash that is recognized.
	Immutable []string `mapstructure:"immutable"`
	// ContentPolicy is the Content-Security-Policy of the files. Empty, pages may load only what comes from their own origin,
	// and run no inline scripts or styles.
	ContentPolicy string `mapstructure:"content_policy"`
}

// Validate names every key that cannot work.
func (c Static) Validate() error {
	if c.Dir != "" && !wellPlaced(c.Path) {
		return config.Invalid("path", "must be / or a path such as /app")
	}
	return nil
}

func wellPlaced(prefix string) bool {
	return strings.HasPrefix(prefix, "/") && path.Clean(prefix) == prefix && !strings.ContainsAny(prefix, "%?#:*\\ ") && !strings.Contains(prefix, "/.")
}

// site is what the configuration names.
func (c Static) site(root *os.Root) module.Site {
	options := []web.SiteOption{web.Immutable(c.Immutable...)}
	if c.SinglePage {
		options = append(options, web.SinglePage())
	}
	if c.ContentPolicy != "" {
		options = append(options, web.Policy(c.ContentPolicy))
	}
	return module.Site{Prefix: c.Path, Site: web.Static(root.FS(), options...)}
}

// ours are the paths that never belong to a front end, beside those of the modules' contracts.
var ours = []string{"/api", "/docs", "/openapi.json", "/metrics", "/_debug", "/debug"}

// fronts are the front ends, those with the longest prefixes first, and which paths are not theirs.
type fronts struct {
	sites []module.Site
	owner func(path string) (module string, ok bool)
	root  *os.Root // the folder of the configuration, or nil
}

func newFronts(cfg Static, c *catalog.Catalog, sites []module.Site) (f *fronts, err error) {
	f = &fronts{sites: slices.Clone(sites), owner: c.Owner}
	if cfg.Dir != "" {
		if f.root, err = os.OpenRoot(cfg.Dir); err != nil {
			return nil, fmt.Errorf("http.static.dir: %w", err)
		}
		f.sites = append(f.sites, cfg.site(f.root))
	}
	slices.SortStableFunc(f.sites, func(a, b module.Site) int { return len(b.Prefix) - len(a.Prefix) })
	var errs []error
	seen := map[string]bool{}
	for _, site := range f.sites {
		switch {
		case !wellPlaced(site.Prefix):
			errs = append(errs, fmt.Errorf("%q: a front end's prefix is / or a path such as /app", site.Prefix))
		case seen[site.Prefix]:
			errs = append(errs, fmt.Errorf("%s: two front ends", site.Prefix))
		case f.taken(site.Prefix):
			errs = append(errs, fmt.Errorf("%s: the path belongs to the platform or to a module's contract", site.Prefix))
		}
		seen[site.Prefix] = true
		if err := site.Site.Check(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", site.Prefix, err))
		}
	}
	return f, errors.Join(errs...)
}

// taken tells whether a path is not for front ends.
func (f *fronts) taken(at string) bool {
	if _, owned := f.owner(at); owned {
		return true
	}
	return slices.ContainsFunc(ours, func(prefix string) bool { return at == prefix || strings.HasPrefix(at, prefix+"/") })
}

// find returns the front end of a path, and the path within it.
func (f *fronts) find(at string) (site module.Site, within string, ok bool) {
	if f.taken(at) {
		return site, "", false
	}
	for _, site := range f.sites {
		if site.Prefix == "/" {
			return site, strings.TrimPrefix(at, "/"), true
		}
		if rest, ok := strings.CutPrefix(at, site.Prefix); ok && (rest == "" || rest[0] == '/') {
			return site, strings.TrimPrefix(rest, "/"), true
		}
	}
	return site, "", false
}

// elsewhere answers for the paths that no contract has.
func (s *Server) elsewhere(c *gin.Context) {
	site, at, ok := s.fronts.find(c.Request.URL.Path)
	if !ok {
		s.fail(c, errRouteUnknown)
		return
	}
	c.Set(siteKey, strings.TrimSuffix(site.Prefix, "/")+"/*")
	switch method := c.Request.Method; {
	case method != http.MethodGet && method != http.MethodHead:
		c.Header("Allow", "GET, HEAD")
		s.fail(c, errMethod)
	case c.Request.URL.Path == site.Prefix && site.Prefix != "/": // or what its pages load would be looked for beside it
		to := url.URL{Path: site.Prefix + "/", RawQuery: c.Request.URL.RawQuery}
		c.Header("Location", to.String())
		c.AbortWithStatus(http.StatusTemporaryRedirect)
	case !site.Site.Answer(&unhurried{ResponseWriter: c.Writer, timeout: s.cfg.WriteTimeout}, c.Request, at):
		s.fail(c, errRouteUnknown)
	}
}

// close is for when nothing is served any more.
func (f *fronts) close() {
	if f.root != nil {
		_ = f.root.Close() // nothing was written
	}
}
