// Package notify tells people something: by e-mail, in the app, by SMS, on their devices, or a system by a webhook.
package notify

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/problem"
)

// The channels that the platform has. A module can add others: see Channel.
const (
	Email   = "email"
	Inbox   = "inbox" // what the app shows at /api/v1/me/notifications
	SMS     = "sms"
	Push    = "push"
	Webhook = "webhook"
)

// Notification is what one recipient should learn.
type Notification struct {
	To       Recipient
	Template string // "<module>.<what>", such as "identity.reset_password": see module.Templates

	// Data is what the template needs, encoded as JSON: a struct or a map. It may hold a secret, such as a link that is as
	// good as a password: what was made of it is kept encrypted until it is delivered or has expired, and never logged.
	Data any

	// Channels are the ways to go, each on its own. A way is a channel, or several in the order in which they are tried,
	// such as "push|sms|email". The template says when it is empty, then notify.channels.
	Channels []string

	Locale  string    // a BCP 47 tag; what the recipient has chosen when it is empty
	Expires time.Time // after it the notification is worthless and no longer tried; notify.expiry from now when it is zero
}

// Recipient is whom to reach. Either User or an address is enough. Addresses win over what is known of the user.
type Recipient struct {
	User    uuid.UUID `json:"user"`              // somebody who has an account
	Email   string    `json:"email,omitempty"`   // one bare address
	Phone   string    `json:"phone,omitempty"`   // as of E.164, such as +4930123456
	Devices []string  `json:"devices,omitempty"` // registration tokens of push notifications

	// Tenant is the organisation itself, where its webhook is.
	Tenant bool `json:"tenant,omitempty"`
}

// Notifier takes notifications.
type Notifier interface {
	// Send keeps the notification together with what the transaction in ctx writes: both happen, or neither. Without a
	// transaction it opens its own. It is delivered after the commit, at least once, through every way of its channels
	// unless the recipient does not want it, and it returns before, so that its time tells nothing.
	//
	// What cannot be delivered as it is gets refused here: ErrUnknownTemplate, ErrTemplate when the data lacks something,
	// ErrChannel and ErrRecipient. The id is that of its receipt: see Inspector.
	Send(ctx context.Context, n Notification) (uuid.UUID, error)
}

// What Send refuses.
var (
	ErrUnknownTemplate = problem.New(problem.Internal, "notify.template_unknown", "Internal error")
	ErrTemplate        = problem.New(problem.Internal, "notify.template_failed", "Internal error")
	ErrChannel         = problem.New(problem.Internal, "notify.channel_unknown", "Internal error")
	ErrRecipient       = problem.New(problem.Invalid, "notify.recipient_invalid", "The recipient cannot be reached like this")
)

// Directory knows how people are reached. Identity implements it.
type Directory interface {
	// Person returns what is known of a user, as they have chosen in the tenant that may be zero. For the zero user it
	// returns what counts for everybody in the tenant, without an address. A user who is gone, or who is no member of
	// the tenant, is ErrRecipient.
	Person(ctx context.Context, tenant, user uuid.UUID) (Person, error)
}

// Person is how somebody is reached and spoken to.
type Person struct {
	Email  string
	Name   string
	Locale string         // a BCP 47 tag
	Zone   *time.Location // never nil
}
