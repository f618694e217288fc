package tenant

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/tenant"
)

// TopicSlug is what changed slugs are announced under. The key is the slug.
const TopicSlug = "tenant.slug"

// Feed is what is needed of the change feed.
type Feed interface {
	Announce(ctx context.Context, topic, key string) error
	Subscribe(topic string, fn func(key string))
	Fresh() bool
}

// Announcements implements tenant.Announcer.
type Announcements struct{ feed Feed }

var _ tenant.Announcer = Announcements{}

// NewAnnouncements returns what writes to feed.
func NewAnnouncements(feed Feed) Announcements { return Announcements{feed: feed} }

// SlugChanged implements tenant.Announcer.
func (a Announcements) SlugChanged(ctx context.Context, slug string) error {
	return a.feed.Announce(ctx, TopicSlug, slug)
}

// Subdomain reads the tenant from the host of a request, as in acme.example.com. Whoever sends the request chooses the
// host, so it can only disagree with the token.
type Subdomain struct {
	suffix    string // ".example.com"; empty when hosts name no tenants
	reserved  map[string]bool
	directory tenant.Directory
	feed      Feed
	known     slugs
}

var _ tenant.Resolver = (*Subdomain)(nil)

// NewSubdomain subscribes to feed, so it must run before the feed starts.
func NewSubdomain(cfg Config, directory tenant.Directory, feed Feed) *Subdomain {
	s := &Subdomain{directory: directory, feed: feed, reserved: map[string]bool{}}
	if cfg.BaseDomain != "" {
		s.suffix = "." + cfg.BaseDomain
	}
	for _, name := range cfg.ReservedHosts {
		s.reserved[name] = true
	}
	feed.Subscribe(TopicSlug, s.known.forget)
	return s
}

// Resolve answers every host below the base domain that is no tenant's with ErrMismatch, whether it could be one or not.
func (s *Subdomain) Resolve(r *http.Request) (tenant.ID, bool, error) {
	name, below := s.below(r.Host)
	switch {
	case !below || s.reserved[name]:
		return uuid.Nil, false, nil
	case !slug.MatchString(name):
		return uuid.Nil, false, ErrMismatch
	}
	id, err := s.find(r.Context(), name)
	if err != nil {
		return uuid.Nil, false, fmt.Errorf("find the tenant of the host: %w", err)
	}
	if id == uuid.Nil {
		return uuid.Nil, false, ErrMismatch
	}
	return id, true, nil
}

// slug is the form of a slug. Labels of other scripts begin with xn-- and are none.
var slug = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

const maxLabel = 63 // bytes, RFC 1035

// below returns what stands before the base domain. Case, a port and the dot of a fully qualified name do not count.
// Only ASCII is folded: Unicode knows other letters that fold to these.
func (s *Subdomain) below(host string) (name string, ok bool) {
	if s.suffix == "" {
		return "", false
	}
	host, _, _ = strings.Cut(host, ":") // what remains of an IPv6 address is no domain
	name, ok = strings.CutSuffix(lower(strings.TrimSuffix(host, ".")), s.suffix)
	if !ok {
		return "", false
	}
	if len(name) > maxLabel {
		return "", true
	}
	return name, true
}

func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// find asks the directory for what is not known, and for everything while the feed is not to be relied on.
func (s *Subdomain) find(ctx context.Context, name string) (tenant.ID, error) {
	fresh := s.feed.Fresh()
	id, known, generation := s.known.get(name)
	if known && fresh {
		return id, nil
	}
	id, err := s.directory.BySlug(ctx, name)
	if err != nil {
		return uuid.Nil, err
	}
	s.known.put(name, id, generation)
	return id, nil
}
