package notify

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/notify"
)

// Site is where people and mail programs find the platform, without a slash at the end.
type Site struct{ Page, API string }

// siteOf takes what notify does not say from where identity's links lead, and else the server's own address.
func siteOf(cfg Config, all config.Provider) Site {
	page, api := cfg.PublicURL, cfg.APIURL
	for _, key := range []string{"identity.public_url", "http.addr"} {
		if value, ok := all.Get(key); ok && page == "" {
			page = fmt.Sprint(value)
		}
	}
	if host, port, err := net.SplitHostPort(page); err == nil && !strings.Contains(page, "://") {
		if host == "" || net.ParseIP(host).IsUnspecified() {
			host = "localhost"
		}
		page = "http://" + net.JoinHostPort(host, port)
	}
	if api == "" {
		api = page
	}
	return Site{Page: strings.TrimRight(page, "/"), API: strings.TrimRight(api, "/")}
}

// subscription is what a link to unsubscribe is about. The link is sealed: nobody can make one for somebody else, and it
// tells nobody anything. It does not expire, because the mail does not either.
type subscription struct {
	Tenant    uuid.UUID `json:"t"`
	Recipient uuid.UUID `json:"r"`
	Category  string    `json:"c"`
}

const sealedSubscription = "notify unsubscribe"

// subscribe puts the way out into what is not essential (RFC 8058).
func (n *Notifications) subscribe(d *draft) error {
	if d.template.Essential || d.recipient == uuid.Nil {
		return nil
	}
	plain, err := json.Marshal(subscription{Tenant: d.rendered.Tenant, Recipient: d.recipient, Category: d.template.Category})
	if err != nil {
		return err
	}
	sealed, err := n.sealer.Seal(plain, sealedSubscription)
	if err != nil {
		return err
	}
	token := base64.RawURLEncoding.EncodeToString(sealed)
	d.rendered.Unsubscribe = n.site.API + "/api/v1/notifications/unsubscribe?token=" + url.QueryEscape(token)
	d.rendered.UnsubscribePage = n.site.Page + "/unsubscribe#token=" + token
	return nil
}

func (n *Notifications) subscription(token string) (s subscription, err error) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil {
		return s, notify.ErrToken.Wrap(err)
	}
	plain, err := n.sealer.Open(sealed, sealedSubscription)
	if err != nil {
		return s, notify.ErrToken.Wrap(err)
	}
	if err := json.Unmarshal(plain, &s); err != nil {
		return s, notify.ErrToken.Wrap(err)
	}
	return s, nil
}

// Subscription implements notify.Preferring.
func (n *Notifications) Subscription(_ context.Context, token string) (string, error) {
	s, err := n.subscription(token)
	return s.Category, err
}

// Unsubscribe implements notify.Preferring.
func (n *Notifications) Unsubscribe(ctx context.Context, token string) (string, error) {
	s, err := n.subscription(token)
	if err != nil {
		return "", err
	}
	_, err = n.prefer(ctx, s.Tenant, s.Recipient, func(p *notify.Preferences) error {
		p.Choose(s.Category, notify.Email, false)
		return nil
	})
	return s.Category, err
}
