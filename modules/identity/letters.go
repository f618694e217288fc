package identity

import (
	"time"

	"github.com/yourorg/platform/pkg/notify"
)

// What people are told about their accounts, said by the templates. Nothing in these letters was typed by anybody:
// whoever enters somebody else's address could otherwise have the platform send them a message of his own.

type fields = map[string]any

// reaching addresses a user at the address that is known of them now.
func reaching(u User) notify.Recipient { return notify.Recipient{User: u.ID, Email: u.Email} }

// linkLetter holds a link, and is worthless when that is.
func linkLetter(to notify.Recipient, template, link string, ttl time.Duration) notify.Notification {
	return notify.Notification{
		To: to, Template: "identity." + template, Expires: now().Add(ttl),
		Data: fields{"link": link, "valid_for": int(ttl.Seconds())},
	}
}

// plainLetter says that something has happened.
func plainLetter(to notify.Recipient, template string, data fields) notify.Notification {
	return notify.Notification{To: to, Template: "identity." + template, Data: data}
}

// invitationLetter names the tenant by its slug, which is made of letters, digits and dashes: a name can be any text,
// and anybody can make a tenant and have this sent to anybody.
func invitationLetter(to, slug, link string, ttl time.Duration) notify.Notification {
	l := linkLetter(notify.Recipient{Email: to}, "invitation", link, ttl)
	l.Data = fields{"link": link, "valid_for": int(ttl.Seconds()), "tenant": slug}
	return l
}
