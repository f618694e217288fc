package identityapi_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/modules/identity/identityapi"
)

func TestALanguageIsATagInItsUsualSpelling(t *testing.T) {
	t.Parallel()
	d := identityapi.Locale.Definition()
	require.NoError(t, d.Validate())
	for _, good := range []string{"en", "de", "pt-BR", "zh-Hant-TW", "sr-Latn", "es-419", "de-CH-1996"} {
		_, err := d.Parse(good)
		require.NoError(t, err, good)
	}
	for name, bad := range map[string]string{
		"nothing": "", "no language": "und", "capitals": "EN", "a region in small letters": "pt-br", "an underscore": "pt_BR",
		"a name": "English", "an old code": "iw", "a list": "en,de", "a blank": "en ", "a path": "../en", "markup": "<b>",
	} {
		_, err := d.Parse(bad)
		require.Error(t, err, name)
	}
}

func TestATimeZoneIsOneOfTheIANA(t *testing.T) {
	t.Parallel()
	d := identityapi.TimeZone.Definition()
	require.NoError(t, d.Validate())
	for _, good := range []string{
		"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "America/Port-au-Prince", "Etc/GMT+12", "EST5EDT", "Asia/Kolkata",
	} {
		_, err := d.Parse(good)
		require.NoError(t, err, good)
	}
	for name, bad := range map[string]string{
		"nothing": "", "that of the machine": "Local", "the one of a new machine": "Factory", "a place that is not there": "Mars/Olympus",
		"a path": "../../etc/passwd", "an absolute path": "/etc/localtime", "what only some systems have": "posix/Europe/Berlin",
		"a link of the system": "localtime", "small letters": "europe/berlin", "an offset": "+01:00", "a blank": "Europe/Berlin ",
	} {
		_, err := d.Parse(bad)
		require.Error(t, err, name)
	}
}
