package identity

import "strings"

// What is looked for in a user agent, the more telling first: browsers name those that they want to be taken for.
var (
	programs = []struct{ mark, name string }{
		{"edg", "Edge"},
		{"opr/", "Opera"},
		{"samsungbrowser", "Samsung Internet"},
		{"vivaldi", "Vivaldi"},
		{"firefox", "Firefox"},
		{"fxios", "Firefox"},
		{"crios", "Chrome"},
		{"chromium", "Chromium"},
		{"chrome", "Chrome"},
		{"safari", "Safari"},
		{"curl", "curl"},
		{"wget", "Wget"},
		{"postman", "Postman"},
		{"insomnia", "Insomnia"},
		{"okhttp", "OkHttp"},
		{"python", "Python"},
		{"go-http-client", "Go"},
		{"java", "Java"},
		{"node", "Node.js"},
	}
	systems = []struct{ mark, name string }{
		{"windows", "Windows"},
		{"iphone", "iPhone"},
		{"ipad", "iPad"},
		{"android", "Android"},
		{"cros", "ChromeOS"},
		{"mac os x", "macOS"},
		{"macintosh", "macOS"},
		{"darwin", "macOS"},
		{"linux", "Linux"},
		{"freebsd", "FreeBSD"},
	}
)

// device says in plain words what a user agent stands for, such as "Firefox on Windows", so that people recognize their
// sessions. The client chooses its user agent: nothing may be decided by it. Only words of ours come back.
func device(userAgent string) string {
	text := strings.ToLower(userAgent)
	find := func(known []struct{ mark, name string }) string {
		for _, k := range known {
			if strings.Contains(text, k.mark) {
				return k.name
			}
		}
		return ""
	}
	switch program, system := find(programs), find(systems); {
	case program != "" && system != "":
		return program + " on " + system
	case program != "":
		return program
	case system != "":
		return system
	}
	return "Unknown device"
}
