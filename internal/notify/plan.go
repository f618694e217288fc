package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/notify"
)

// way is one way that a notification goes, and when.
type way struct {
	id       uuid.UUID
	channels []string
	state    string
	why      string
	due      time.Time
}

func anyOpen(ways []way) bool {
	return slices.ContainsFunc(ways, func(w way) bool { return open(w.state) })
}

func open(state string) bool { return state == notify.Queued || state == notify.Held }

// reach completes the addresses of a recipient with what is known of them.
func (n *Notifications) reach(ctx context.Context, owner uuid.UUID, to notify.Recipient) (notify.Recipient, notify.Person, error) {
	if err := to.Check(); err != nil {
		return to, notify.Person{}, notify.ErrRecipient.Wrap(err).Detailf("%s.", err)
	}
	if to.User == uuid.Nil && to.Email == "" && to.Phone == "" && len(to.Devices) == 0 && !to.Tenant {
		return to, notify.Person{}, notify.ErrRecipient.Wrap(errors.New("there is no recipient"))
	}
	user := to.User
	if user != uuid.Nil && to.Email != "" && owner == uuid.Nil {
		user = uuid.Nil // who is told something outside any tenant has chosen nothing there
	}
	person, err := n.directory.Person(ctx, owner, user)
	if errors.Is(err, notify.ErrRecipient) && to.Email != "" { // no member: the address is all that counts then
		to.User = uuid.Nil
		person, err = n.directory.Person(ctx, owner, uuid.Nil)
	}
	if err != nil {
		return to, person, err
	}
	if to.Email == "" {
		to.Email = person.Email
	}
	if to.User == uuid.Nil || owner == uuid.Nil {
		return to, person, nil
	}
	if to.Phone == "" {
		if to.Phone, err = notify.Phone.GetFor(ctx, n.settings, owner, to.User); err != nil {
			return to, person, fmt.Errorf("look up the phone: %w", err)
		}
	}
	if len(to.Devices) == 0 {
		if to.Devices, err = notify.Devices.GetFor(ctx, n.settings, owner, to.User); err != nil {
			return to, person, fmt.Errorf("look up the devices: %w", err)
		}
	}
	return to, person, nil
}

// addresses is the name space of the ids that stand for recipients without an account.
var addresses = uuid.MustParse("6f0f8a4e-5c7e-4f0a-9f43-0c3f6d0f2b11")

// recipientOf is under which id the choices of a recipient are kept: that of the user, or one made of the address. The
// address itself is kept nowhere.
func recipientOf(owner uuid.UUID, to notify.Recipient, essential bool) uuid.UUID {
	switch {
	case to.User != uuid.Nil && owner != uuid.Nil:
		return to.User
	case to.Email != "" && !essential: // who cannot choose needs no id
		return uuid.NewSHA1(addresses, []byte(strings.ToLower(to.Email)))
	}
	return uuid.Nil
}

// ways decides how and when a notification goes. What is essential goes at once, and everywhere it was meant to.
func (n *Notifications) ways(ctx context.Context, d *draft, asked []string, zone *time.Location) ([]way, error) {
	for _, choice := range [][]string{d.template.Channels, n.cfg.Channels} {
		if len(asked) == 0 {
			asked = choice
		}
	}
	chosen := notify.Preferences{}
	if !d.template.Essential {
		var err error
		if chosen, err = n.chosen(ctx, d.rendered.Tenant, d.recipient); err != nil {
			return nil, err
		}
	}
	var all []way
	for _, text := range asked {
		id, err := uuid.NewV7()
		if err != nil {
			return nil, err
		}
		w := way{id: id, channels: strings.Split(text, "|"), state: notify.Queued, due: now()}
		for _, name := range w.channels {
			if !n.channels.known(name) {
				return nil, notify.ErrChannel.Wrap(fmt.Errorf("there is no channel %q", name))
			}
		}
		if !d.template.Essential {
			w = n.wanted(w, d.template, chosen, zone)
		}
		if open(w.state) && !w.due.Before(d.expires) {
			w.state, w.why = notify.Failed, "it expires before it may be delivered"
		}
		all = append(all, w)
	}
	return all, nil
}

// wanted fits a way to what the recipient has chosen.
func (n *Notifications) wanted(w way, t *wording, p notify.Preferences, zone *time.Location) way {
	asked := w.channels
	w.channels = slices.DeleteFunc(slices.Clone(asked), func(name string) bool { return !p.Wants(t.Category, name) })
	if len(w.channels) == 0 {
		w.channels, w.state, w.why = asked, notify.Suppressed, "the recipient has switched it off"
		return w
	}
	if every := n.every(p); t.Digest && w.channels[0] == notify.Email && every != notify.Off {
		if !p.Wants(digestCategory, notify.Email) {
			w.state, w.why = notify.Suppressed, "the recipient wants no digests"
			return w
		}
		w.state, w.due, w.why = notify.Held, nextDigest(now(), every, zone), "waits for the digest"
		return w
	}
	if slices.ContainsFunc(w.channels, disturbing) {
		if until := quietUntil(now(), p, zone); !until.IsZero() {
			w.due, w.why = until, "waits for the end of the quiet hours"
		}
	}
	return w
}

// disturbing tells whether a channel makes a noise.
func disturbing(channel string) bool { return channel != notify.Inbox && channel != notify.Webhook }

func (n *Notifications) every(p notify.Preferences) string {
	if p.Digest == "" {
		return n.cfg.Digest
	}
	return p.Digest
}

const digestHour = 8 // in the morning

// nextDigest is the next full hour, or the next morning.
func nextDigest(at time.Time, every string, zone *time.Location) time.Time {
	if every == notify.Hourly {
		return at.Truncate(time.Hour).Add(time.Hour)
	}
	local := at.In(zone)
	next := time.Date(local.Year(), local.Month(), local.Day(), digestHour, 0, 0, 0, zone)
	if !next.After(local) {
		next = time.Date(local.Year(), local.Month(), local.Day()+1, digestHour, 0, 0, 0, zone)
	}
	return next.UTC()
}

// quietUntil is when the quiet hours end that it is in, or zero.
func quietUntil(at time.Time, p notify.Preferences, zone *time.Location) time.Time {
	from, err := time.Parse(clock, p.QuietFrom)
	if err != nil {
		return time.Time{}
	}
	until, err := time.Parse(clock, p.QuietUntil)
	if err != nil {
		return time.Time{}
	}
	local := at.In(zone)
	on := func(day int, t time.Time) time.Time {
		return time.Date(local.Year(), local.Month(), local.Day()+day, t.Hour(), t.Minute(), 0, 0, zone)
	}
	for day := -1; day <= 0; day++ { // they may have begun yesterday
		begin, end := on(day, from), on(day, until)
		if !until.After(from) {
			end = on(day+1, until)
		}
		if !local.Before(begin) && local.Before(end) {
			return end.UTC()
		}
	}
	return time.Time{}
}

const clock = "15:04"
