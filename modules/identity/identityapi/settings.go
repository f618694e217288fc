package identityapi

import (
	"errors"
	"regexp"
	"time"
	_ "time/tzdata" // an image may have no zones of its own, and replicas should know the same ones

	"golang.org/x/text/language"

	"github.com/yourorg/platform/pkg/settings"
)

// What people choose about how they are spoken to.
var (
	Locale = settings.String("identity.locale", "en", "The language, as a BCP 47 tag such as en or pt-BR.",
		settings.ForTenants(""), settings.ForUsers(), settings.MaxLength(35), settings.Check(locale))

	TimeZone = settings.String("identity.time_zone", "UTC", "The time zone in which times are shown, as the IANA calls it, such as Europe/Berlin.",
		settings.ForTenants(""), settings.ForUsers(), settings.MaxLength(64), settings.Check(timeZone))
)

func locale(tag string) error {
	parsed, err := language.Parse(tag)
	if err != nil || parsed == language.Und || parsed.String() != tag {
		return errors.New("must be a language tag in its usual spelling, such as en or pt-BR")
	}
	return nil
}

// zoneName leaves out what only some systems have beside the zones, such as posix/Europe/Berlin and localtime.
var zoneName = regexp.MustCompile(`^[A-Z][A-Za-z0-9_+-]*(/[A-Z][A-Za-z0-9_+-]*)*$`)

func timeZone(name string) error {
	_, err := time.LoadLocation(name)
	if err != nil || name == "Local" || name == "Factory" || !zoneName.MatchString(name) {
		return errors.New("must be a time zone of the IANA, such as Europe/Berlin")
	}
	return nil
}
