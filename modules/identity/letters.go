package identity

import (
	"fmt"
	"time"

	"github.com/yourorg/platform/pkg/notify"
)

// What people are told about their accounts. Nothing in these texts was typed by anybody: whoever enters somebody else's
// address could otherwise have the platform send them a message of his own.

func verificationLetter(to, link string, ttl time.Duration) notify.Message {
	return notify.Message{
		To: to, Kind: "identity.verify_email", Subject: "Confirm your e-mail address",
		Text: fmt.Sprintf(`Please confirm that this is your e-mail address:

%s

The link works once, until %s from now. If you did not sign up, ignore this message.
`, link, spoken(ttl)),
	}
}

func resetLetter(to, link string, ttl time.Duration) notify.Message {
	return notify.Message{
		To: to, Kind: "identity.reset_password", Subject: "Set a new password",
		Text: fmt.Sprintf(`Somebody, probably you, asked for a new password. Set it here:

%s

The link works once, until %s from now. If it was not you, ignore this message: your password stays as it is.
`, link, spoken(ttl)),
	}
}

func accountExistsLetter(to, link string, ttl time.Duration) notify.Message {
	return notify.Message{
		To: to, Kind: "identity.account_exists", Subject: "You already have an account",
		Text: fmt.Sprintf(`Somebody, probably you, tried to sign up with this e-mail address. You already have an account:
sign in with your password. If you forgot it, set a new one here:

%s

The link works once, until %s from now. If it was not you, ignore this message.
`, link, spoken(ttl)),
	}
}

func passwordChangedLetter(to string) notify.Message {
	return notify.Message{
		To: to, Kind: "identity.password_changed", Subject: "Your password was changed",
		Text: "Your password was changed, and you were signed out elsewhere.\n\n" +
			"If it was not you, set a new password at once: ask for a link where you sign in.\n",
	}
}

func changeFromLetter(to, link string, ttl time.Duration) notify.Message {
	return notify.Message{
		To: to, Kind: "identity.email_change_old", Subject: "Confirm the change of your e-mail address",
		Text: fmt.Sprintf(`You asked to use another e-mail address for your account. Confirm it here:

%s

The new address must be confirmed too: look for a message there. The link works once, until %s from now. If it was not
you, ignore this message and change your password: whoever asked knew it.
`, link, spoken(ttl)),
	}
}

func changeToLetter(to, link string, ttl time.Duration) notify.Message {
	return notify.Message{
		To: to, Kind: "identity.email_change_new", Subject: "Confirm your new e-mail address",
		Text: fmt.Sprintf(`Somebody, probably you, wants to use this e-mail address for an account. Confirm it here:

%s

The present address must be confirmed too. The link works once, until %s from now. If it was not you, ignore this message.
`, link, spoken(ttl)),
	}
}

func changeTakenLetter(to string) notify.Message {
	return notify.Message{
		To: to, Kind: "identity.email_change_taken", Subject: "Your e-mail address is in use already",
		Text: "Somebody, probably you, wanted to use this e-mail address for another account. It belongs to an account already,\n" +
			"which stays as it is. If it was not you, ignore this message.\n",
	}
}

func emailChangedLetter(to string) notify.Message {
	return notify.Message{
		To: to, Kind: "identity.email_changed", Subject: "Your e-mail address was changed",
		Text: "Your account has another e-mail address now, as was confirmed at both of them. This one is no longer used.\n",
	}
}

func deletionLetter(to string, due time.Time) notify.Message {
	return notify.Message{
		To: to, Kind: "identity.deletion_requested", Subject: "Your account will be deleted",
		Text: fmt.Sprintf("Your account will be deleted on %s. Until then, signing in keeps it.\n\n"+
			"If it was not you, sign in and change your password.\n", due.UTC().Format("2 January 2006 at 15:04 UTC")),
	}
}

func restoredLetter(to string) notify.Message {
	return notify.Message{
		To: to, Kind: "identity.deletion_cancelled", Subject: "Your account will not be deleted",
		Text: "You signed in, so your account is kept. To delete it after all, ask for it again.\n",
	}
}

// spoken says a time to live in words.
func spoken(d time.Duration) string {
	n, unit := int(d.Minutes()), "minute"
	switch {
	case d >= 48*time.Hour:
		n, unit = int(d.Hours()/24), "day"
	case d >= 2*time.Hour:
		n, unit = int(d.Hours()), "hour"
	case d < time.Minute:
		n, unit = int(d.Seconds()), "second"
	}
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%d %s", n, unit)
}
