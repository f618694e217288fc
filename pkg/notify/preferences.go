package notify

import (
	"context"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/settings"
)

// How often mails that are not urgent come.
const (
	Off    = "off" // at once, each by itself
	Hourly = "hourly"
	Daily  = "daily" // at eight in the morning, in the recipient's time zone
)

// Preferences are what one recipient has chosen in one tenant.
type Preferences struct {
	Digest     string                     `json:"digest,omitempty"`      // Off, Hourly or Daily; notify.digest when it is empty
	QuietFrom  string                     `json:"quiet_from,omitempty"`  // a time of day such as "22:00"; no quiet hours when both are empty
	QuietUntil string                     `json:"quiet_until,omitempty"` // which may be on the next day
	Categories map[string]map[string]bool `json:"categories,omitempty"`  // by category and channel; what is not there is wanted
}

// Wants tells whether something may come through a channel.
func (p Preferences) Wants(category, channel string) bool {
	wanted, chosen := p.Categories[category][channel]
	return wanted || !chosen
}

// Choose says whether something may come through a channel.
func (p *Preferences) Choose(category, channel string, wanted bool) {
	if p.Categories == nil {
		p.Categories = map[string]map[string]bool{}
	}
	if p.Categories[category] == nil {
		p.Categories[category] = map[string]bool{}
	}
	p.Categories[category][channel] = wanted
}

// Category is a group of templates that recipients choose by.
type Category struct {
	Name      string
	Essential bool // everything in it is, so there is nothing to choose
}

// What Preferring answers.
var (
	ErrPreference         = problem.New(problem.Invalid, "notify.preference_invalid", "The preferences are not acceptable")
	ErrPreferencesChanged = problem.New(problem.PreconditionFailed, "notify.preferences_changed", "The preferences were changed in the meantime")
	ErrToken              = problem.New(problem.Invalid, "notify.token_invalid", "The link is not one that we have sent")
)

// Preferring keeps what recipients have chosen. Methods with a user are about the tenant in the context.
type Preferring interface {
	// Preferences returns the choices, with the digest that counts, and what there is to choose.
	Preferences(ctx context.Context, user uuid.UUID) (Preferences, []Category, error)

	// Prefer replaces the choices by what change makes of them. ok is asked about what Preferences would return, which nobody
	// else changes meanwhile; nil accepts any. Otherwise it is ErrPreferencesChanged.
	Prefer(ctx context.Context, user uuid.UUID, ok func(Preferences, []Category) bool, change func(*Preferences)) (Preferences, []Category, error)

	// Subscription returns the category that a link to unsubscribe is about.
	Subscription(ctx context.Context, token string) (category string, err error)

	// Unsubscribe ends mails of that category to whom the link was sent.
	Unsubscribe(ctx context.Context, token string) (category string, err error)
}

// Addresses that people and tenants keep themselves.
var (
	Phone = settings.String("notifications.phone", "", "The number that text messages go to, with the country, such as +4930123456.",
		settings.ForUsers(), settings.MaxLength(16), settings.Check(phoneOrNothing))

	Devices = settings.Strings("notifications.devices", nil, "The registration tokens of the devices that are told.",
		settings.ForUsers(), settings.MaxItems(20), settings.MaxLength(4096))

	WebhookURL = settings.String("notifications.webhook_url", "", "Where the organisation's notifications are sent to, signed as of standardwebhooks.com.",
		settings.ForTenants(""), settings.ReadableWith(settings.TenantUpdate), settings.MaxLength(2000), settings.Check(httpsOrNothing))

	WebhookSecret = settings.Hidden("notifications.webhook_secret", "The secret of the signature: whsec_ and 24 to 64 bytes in base64.",
		settings.ForTenants(""), settings.ReadableWith(settings.TenantUpdate), settings.MaxLength(128), settings.Check(keyOrNothing))
)
