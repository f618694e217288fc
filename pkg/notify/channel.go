package notify

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
)

// Channel delivers. Modules contribute one with module.DeliversBy.
type Channel interface {
	// Name is unique and lower case, such as "email".
	Name() string

	// Deliver hands one notification over and returns the id by which the provider knows it, or an empty text. It is
	// called outside any transaction, again after an error, and again when the process is killed before the answer was
	// noted: ID lets the receiver tell.
	//
	// An error is tried again later, unless it is marked with Permanent: then the next channel of the way is next. The
	// text of the error is shown to the operator: it must not hold what is delivered.
	Deliver(ctx context.Context, r Rendered) (providerID string, err error)
}

// Confirming is a Channel whose answer says that the recipient has it. Others only say that it is on its way.
type Confirming interface{ Confirms() bool }

// Rendered is a notification as it is delivered.
type Rendered struct {
	ID        uuid.UUID `json:"id"` // of the delivery: the same at each attempt
	Tenant    uuid.UUID `json:"tenant"`
	To        Recipient `json:"to"` // with every address that is known
	Template  string    `json:"template"`
	Category  string    `json:"category"`
	Locale    string    `json:"locale"`
	Subject   string    `json:"subject"`        // one line
	Text      string    `json:"text"`           // plain text, never empty
	HTML      string    `json:"html,omitempty"` // beside the text, or empty
	Short     string    `json:"short"`          // for an SMS or a device
	Essential bool      `json:"essential"`

	// Unsubscribe is where one POST ends such mails, and UnsubscribePage is for people. Both are empty in essential ones.
	Unsubscribe     string `json:"unsubscribe,omitempty"`
	UnsubscribePage string `json:"unsubscribe_page,omitempty"`
}

// ErrNoAddress is why a channel cannot reach a recipient of whom it has no address.
var ErrNoAddress = Permanent(errors.New("the recipient has no address for this channel"))

// Permanent marks an error that no further try can mend, such as an address that does not exist.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanent{err}
}

// IsPermanent tells whether err was marked by Permanent.
func IsPermanent(err error) bool {
	_, ok := errors.AsType[*permanent](err)
	return ok
}

type permanent struct{ error }

func (p *permanent) Unwrap() error { return p.error }

// Busy is an error of a provider that asks for patience: the next try is not before d has passed.
func Busy(err error, d time.Duration) error { return &busy{error: err, after: d} }

// AskedPause returns the pause that Busy has asked for, or 0.
func AskedPause(err error) time.Duration {
	if b, ok := errors.AsType[*busy](err); ok {
		return b.after
	}
	return 0
}

type busy struct {
	error
	after time.Duration
}

func (b *busy) Unwrap() error { return b.error }
