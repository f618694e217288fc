// Package notify tells people something, by mail for now.
package notify

import "context"

// Message is what one person should read. Its text may hold a link with a secret: it is never logged outside
// development, and never kept after delivery.
type Message struct {
	To      string // one e-mail address
	Kind    string // "<module>.<what>", such as "identity.password_reset"; stable, for templates and tests
	Subject string // one line
	Text    string // plain text
}

// Sender hands messages over for delivery.
type Sender interface {
	// Send accepts the message once the transaction in ctx has committed, and never when it rolls back. It returns
	// before the message is delivered, so that its time tells nothing. A header injection is refused.
	Send(ctx context.Context, m Message) error
}
