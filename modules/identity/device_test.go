package identity

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestADeviceIsSaidInPlainWords(t *testing.T) {
	t.Parallel()
	for userAgent, want := range map[string]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0":                                                           "Firefox on Windows",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36 Edg/128.0.0.0":              "Edge on Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Safari/605.1.15":                         "Safari on macOS",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/128.0 Mobile/15E148 Safari/604.1":     "Chrome on iPhone",
		"Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/26.0 Chrome/122.0.0.0 Mobile Safari/537.36": "Samsung Internet on Android",
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36":                                      "Chrome on Linux",
		"curl/8.9.1":               "curl",
		"Go-http-client/1.1":       "Go",
		"Acme/1.0 (Android 14)":    "Android",
		"":                         "Unknown device",
		"<script>alert()</script>": "Unknown device",
	} {
		require.Equal(t, want, device(userAgent), userAgent)
	}
}

// FuzzDevice looks for a user agent that gets words of its own across.
func FuzzDevice(f *testing.F) {
	f.Add("Mozilla/5.0 (Windows NT 10.0; rv:130.0) Gecko/20100101 Firefox/130.0")
	f.Add("\x00\xff chrome \u202e linux")
	names := []string{""}
	for _, k := range slices.Concat(programs, systems) {
		names = append(names, k.name)
	}
	f.Fuzz(func(t *testing.T, userAgent string) {
		d := device(userAgent)
		if d == "Unknown device" {
			return
		}
		program, system, _ := strings.Cut(d, " on ")
		require.Contains(t, names, program)
		require.Contains(t, names, system)
	})
}
