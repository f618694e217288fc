package notify

import (
	"net/mail"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/yourorg/platform/internal/infra/email"
	"github.com/yourorg/platform/pkg/notify"
)

func TestATemplateOnlyPutsDataIntoAText(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]string{
		"printf can make endless texts":       `{{printf "%1000000000d" 1}}`,
		"print":                               `{{print .a}}`,
		"call":                                `{{call .a}}`,
		"index has no missing keys":           `{{index . "a"}}`,
		"slice":                               `{{slice .a 1}}`,
		"html":                                `{{html .a}}`,
		"a function that is not there":        `{{env "HOME"}}`,
		"a template of its own":               `{{define "x"}}{{template "x"}}{{end}}`,
		"another template":                    `{{template "x"}}`,
		"a block":                             `{{block "x" .}}{{end}}`,
		"counting to a number":                `{{range 1000000000}}{{end}}`,
		"counting to a number in a variable":  `{{$n := 1000000000}}{{range $n}}{{end}}`,
		"counting to a number in parentheses": `{{range (1000000000)}}{{end}}`,
		"counting by and":                     `{{range and true 1000000000}}{{end}}`,
		"counting in three dimensions":        `{{range .a}}{{range .b}}{{range .c}}{{end}}{{end}}{{end}}`,
		"hidden in an else":                   `{{if .a}}{{else}}{{print .a}}{{end}}`,
		"hidden in an argument":               `{{if eq (print .a) "x"}}{{end}}`,
		"hidden in a with":                    `{{with .a}}{{printf "%d" .}}{{end}}`,
		"hidden in a field":                   `{{(call .a).b}}`,
		"no end":                              `{{if .a}}`,
		"too long":                            strings.Repeat("x", maxSource+1),
	} {
		require.Error(t, vet(source), name)
	}
	for _, source := range []string{
		`{{.a}} {{range $i, $x := .list}}{{$x.b}}{{else}}none{{end}} {{if and .a (not .b)}}x{{end}} {{with .c}}{{.}}{{end}}`,
		`{{if eq .n 1.0}}one{{else if gt .n 2.0}}more{{end}} {{len .list}} {{date .t}} {{duration .d}} {{/* why */}}`,
	} {
		require.NoError(t, vet(source), source)
	}
}

func TestNothingIsSaidWithoutItsData(t *testing.T) {
	t.Parallel()
	s := speech{locale: "en", zone: time.UTC}
	for name, test := range map[string]struct {
		text string
		data any
		want string
	}{
		"a missing field":           {"{{.a}}", map[string]any{}, "the data has no .a"},
		"a field below that":        {"{{.a.b}}", map[string]any{"a": map[string]any{}}, "the data has no .a.b"},
		"a null":                    {"{{.a}}", map[string]any{"a": nil}, "the data has no .a"},
		"a field of a text":         {"{{.a.b}}", map[string]any{"a": "x"}, "can't evaluate field b"},
		"a condition on nothing":    {"{{if .a}}x{{end}}", map[string]any{}, "the data has no .a"},
		"a number to count to":      {"{{range .a}}{{end}}", map[string]any{"a": 1e9}, "range can't iterate"},
		"a time that is none":       {"{{date .a}}", map[string]any{"a": "soon"}, "RFC 3339"},
		"a duration without an end": {"{{duration .a}}", map[string]any{"a": -1}, "duration wants seconds"},
		"too much":                  {"{{range .a}}{{range .}}" + strings.Repeat("x", 1000) + "{{end}}{{end}}", map[string]any{"a": [][]int{make([]int, 50), make([]int, 50)}}, "too long"},
	} {
		for part, src := range map[string]notify.Source{
			"text": {Subject: "x", Text: test.text}, "html": {Subject: "x", Text: "x", HTML: test.text}, "short": {Subject: "x", Text: "x", Short: test.text},
			"subject": {Subject: test.text, Text: "x"},
		} {
			if name == "too much" && part == "html" {
				continue // more fits into it
			}
			fields, err := fieldsOf(test.data)
			require.NoError(t, err)
			_, err = s.render(src, fields)
			require.ErrorContains(t, err, test.want, "%s: %s", name, part)
			require.NotContains(t, err.Error(), "\n")
		}
	}
	_, err := fieldsOf(map[string]any{"a": []any{nil}})
	require.ErrorContains(t, err, "null")
	_, err = fieldsOf(map[string]any{"a": make([]int, maxItems+1)})
	require.ErrorContains(t, err, "1000 items")
}

func TestNumbersAreSaidAsTheyAre(t *testing.T) {
	t.Parallel()
	fields, err := fieldsOf(map[string]any{"n": 12345678, "f": 1.5, "one": 1})
	require.NoError(t, err)
	out, err := speech{locale: "en", zone: time.UTC}.render(notify.Source{Subject: "x", Text: "{{.n}} {{.f}} {{if eq .one 1.0}}one{{end}}", HTML: "<b>{{.n}}</b>"}, fields)
	require.NoError(t, err)
	require.Equal(t, "12345678 1.5 one", out.text)
	require.Equal(t, "<b>12345678</b>", out.html)
}

func TestTimesAreSpoken(t *testing.T) {
	t.Parallel()
	english, chinese := speech{locale: "en"}, speech{locale: "zh"}
	for seconds, want := range map[number][2]string{
		30: {"30 seconds", "30 秒"}, 60: {"1 minute", "1 分钟"}, 3600: {"60 minutes", "60 分钟"}, 86400: {"24 hours", "24 小时"}, 172800: {"2 days", "2 天"},
	} {
		en, err := english.duration(seconds)
		require.NoError(t, err)
		zh, err := chinese.duration(seconds)
		require.NoError(t, err)
		require.Equal(t, want, [2]string{en, zh})
	}
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	require.NoError(t, err)
	at, err := speech{locale: "zh", zone: shanghai}.date("2026-01-02T15:04:05Z")
	require.NoError(t, err)
	require.Equal(t, "2026年1月2日 23:04 CST", at)
}

func TestWhatAModuleEmbedsIsTriedAtTheStart(t *testing.T) {
	t.Parallel()
	good := map[string]string{"hello/template.yaml": "category: news\nsample: {name: Ada}\n", "hello/en.subject.txt": "Hello {{.name}}\n", "hello/en.txt": "Hello\n"}
	for name, test := range map[string]struct{ file, content, want string }{
		"no usage":                 {"hello/template.yaml", "", "template.yaml"},
		"an unknown key":           {"hello/template.yaml", "category: news\nurgent: true\n", "urgent"},
		"no category":              {"hello/template.yaml", "sample: {name: Ada}\n", "category is missing"},
		"a field without a sample": {"hello/en.txt", "{{.nmae}}", "the data has no .nmae"},
		"an empty text":            {"hello/en.txt", " \n", "the text is empty"},
		"a function":               {"hello/en.txt", "{{print .name}}", "print"},
		"a language that is none":  {"hello/english.subject.txt", "x", "no language"},
		"a text that is missing":   {"hello/de.subject.txt", "x", "de.txt"},
		"a name that is none":      {"Hello/template.yaml", "category: news\n", "its name"},
	} {
		files := fstest.MapFS{}
		for file, content := range good {
			files[file] = &fstest.MapFile{Data: []byte(content)}
		}
		files[test.file] = &fstest.MapFile{Data: []byte(test.content)}
		_, err := NewTemplates([]notify.TemplateSet{{Module: "sample", Files: files}})
		require.ErrorContains(t, err, test.want, name)
	}
	files := fstest.MapFS{}
	for file, content := range good {
		files[file] = &fstest.MapFile{Data: []byte(content)}
	}
	set := notify.TemplateSet{Module: "sample", Files: files}
	all, err := NewTemplates([]notify.TemplateSet{set})
	require.NoError(t, err)
	said, err := all.Preview("sample.hello", "de-AT", nil)
	require.NoError(t, err)
	require.Equal(t, "Hello Ada", said.Subject)
	require.Equal(t, "en", said.Locale)
	_, err = NewTemplates([]notify.TemplateSet{set, set})
	require.ErrorContains(t, err, "twice")
}

func TestQuietHoursAreInTheRecipientsZone(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	night := notify.Preferences{QuietFrom: "22:00", QuietUntil: "07:00"}
	for at, want := range map[string]string{
		"2026-01-15T20:59:00Z": "",                     // 21:59
		"2026-01-15T21:00:00Z": "2026-01-16T06:00:00Z", // 22:00
		"2026-01-15T23:30:00Z": "2026-01-16T06:00:00Z", // half past midnight
		"2026-01-16T05:59:00Z": "2026-01-16T06:00:00Z",
		"2026-01-16T06:00:00Z": "",
		"2026-07-15T20:30:00Z": "2026-07-16T05:00:00Z", // 22:30 in summer
		"2026-03-28T23:00:00Z": "2026-03-29T05:00:00Z", // the clock goes forward in that night
	} {
		moment, err := time.Parse(time.RFC3339, at)
		require.NoError(t, err)
		got := ""
		if until := quietUntil(moment, night, berlin); !until.IsZero() {
			got = until.Format(time.RFC3339)
		}
		require.Equal(t, want, got, at)
	}
	noon := time.Date(2026, 1, 15, 11, 30, 0, 0, time.UTC)
	require.Equal(t, time.Date(2026, 1, 15, 13, 0, 0, 0, berlin).UTC(), quietUntil(noon, notify.Preferences{QuietFrom: "12:00", QuietUntil: "13:00"}, berlin))
	require.Zero(t, quietUntil(noon, notify.Preferences{}, berlin))

	require.Equal(t, "2026-01-15T12:00:00Z", nextDigest(noon, notify.Hourly, berlin).Format(time.RFC3339))
	require.Equal(t, "2026-01-16T07:00:00Z", nextDigest(noon, notify.Daily, berlin).Format(time.RFC3339))
	require.Equal(t, "2026-01-15T07:00:00Z", nextDigest(noon.Add(-6*time.Hour), notify.Daily, berlin).Format(time.RFC3339))
}

// Whatever somebody is called, writes or chooses as an address: a mail has the headers that we gave it, and one recipient.
func TestNothingThatIsSaidBecomesAHeader(t *testing.T) {
	t.Parallel()
	evil := rapid.OneOf(
		rapid.String(),
		rapid.SampledFrom([]string{
			"x\r\nBcc: eve@example.com", "x\nBcc: eve@example.com", "x\rBcc: eve@example.com", "x\u2028Bcc: eve@example.com", "x\u0085Bcc: e@e", "x\x00",
			"a@example.com>\r\nBcc: <eve@example.com", "\"a\r\nb\"@example.com", "=?utf-8?q?x=0D=0ABcc:_eve@example.com?=", "a@example.com, eve@example.com",
			"<!-- \r\n\r\n--> .\r\n", "\r\n.\r\nMAIL FROM:<eve@example.com>\r\n", strings.Repeat("ü", 100), "Ada <ada@example.com>",
		}),
	)
	templates, err := NewTemplates([]notify.TemplateSet{{Module: "sample", Files: fstest.MapFS{
		"x/template.yaml":  {Data: []byte("category: news\nsample: {s: a, t: b}\n")},
		"x/en.subject.txt": {Data: []byte("About {{.s}}\n")}, "x/en.txt": {Data: []byte("{{.t}}\n")}, "x/en.html": {Data: []byte("<p title=\"{{.s}}\">{{.t}}</p>")},
	}}})
	require.NoError(t, err)
	allowed := map[string]bool{
		"From": true, "To": true, "Subject": true, "Date": true, "Message-Id": true, "Mime-Version": true, "Content-Type": true,
		"Content-Transfer-Encoding": true, "X-Kind": true, "Auto-Submitted": true, "Content-Language": true, "List-Unsubscribe": true, "List-Unsubscribe-Post": true,
	}
	composed := 0
	rapid.Check(t, func(t *rapid.T) {
		said, err := templates.Preview("sample.x", "en", map[string]any{"s": evil.Draw(t, "subject"), "t": evil.Draw(t, "text")})
		if err != nil {
			said = notify.Rendered{Subject: evil.Draw(t, "raw subject"), Text: "x", Template: "sample.x"}
		}
		said.ID, said.To.Email = uuid.New(), "ada@example.com"
		if rapid.Bool().Draw(t, "evil address") {
			said.To.Email = evil.Draw(t, "address")
		}
		if rapid.Bool().Draw(t, "unsubscribe") {
			said.Unsubscribe, said.UnsubscribePage = "https://example.com/u?token=x", "https://example.com/u#token=x"
		}
		m, err := email.Sender{From: "Platform <no-reply@example.com>"}.Compose(said, time.Now())
		if err != nil {
			return // refused
		}
		composed++
		var b strings.Builder
		_, err = m.WriteTo(&b)
		require.NoError(t, err)
		read, err := mail.ReadMessage(strings.NewReader(b.String()))
		require.NoError(t, err, "%q", b.String())
		for name, values := range read.Header {
			require.True(t, allowed[name], "the header %q was smuggled in: %q", name, b.String())
			require.Len(t, values, 1, name)
		}
		to, err := read.Header.AddressList("To")
		require.NoError(t, err)
		require.Len(t, to, 1)
		require.Equal(t, said.To.Email, to[0].Address)
		recipients, err := m.GetRecipients()
		require.NoError(t, err)
		require.Len(t, recipients, 1)
	})
	require.Positive(t, composed)
}
