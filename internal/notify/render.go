package notify

import (
	"bytes"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io"
	"regexp"
	"strings"
	"text/template"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/yourorg/platform/pkg/notify"
)

// How long what is made of a template may be.
const (
	maxSubject = 200 // characters
	maxShort   = 480 // characters: three messages of an SMS that are not all Latin need fewer, but a phone shows it
	maxText    = 64 << 10
	maxHTML    = 256 << 10
)

// said is what was made of a source.
type said struct{ subject, text, html, short string }

// speech is how things are said to somebody.
type speech struct {
	locale string
	zone   *time.Location
}

// render puts the fields into a source. What lacks a field fails, and so does what is not fit to be sent: a subject of
// several lines could carry headers of its own (RFC 5322, section 2.2).
func (s speech) render(src notify.Source, fields map[string]any) (out said, err error) {
	part := func(name, source string, limit int, into *string) {
		if err != nil || source == "" {
			return
		}
		if *into, err = s.text(source, fields, limit); err != nil {
			err = fmt.Errorf("%s: %w", name, hush(err))
		}
	}
	part("subject", src.Subject, 4*maxSubject, &out.subject)
	part("text", src.Text, maxText, &out.text)
	part("short", src.Short, 4*maxShort, &out.short)
	if err == nil && src.HTML != "" {
		if out.html, err = s.html(src.HTML, fields); err != nil {
			err = fmt.Errorf("html: %w", hush(err))
		}
	}
	if err != nil {
		return said{}, err
	}
	out.subject, out.short = strings.TrimRight(out.subject, "\r\n"), strings.TrimSpace(out.short)
	if out.short == "" {
		out.short = out.subject + "\n" + strings.TrimSpace(out.text)
	}
	out.short = cut(out.short, maxShort)
	return out, out.check()
}

func (s said) check() error {
	switch {
	case strings.TrimSpace(s.subject) == "" || utf8.RuneCountInString(s.subject) > maxSubject || !utf8.ValidString(s.subject) || strings.ContainsFunc(s.subject, splits):
		return fmt.Errorf("the subject is not one line of 1 to %d characters", maxSubject)
	case strings.TrimSpace(s.text) == "" || !written(s.text):
		return errors.New("the text is empty or not UTF-8")
	case !written(s.html) || !written(s.short):
		return errors.New("a part is not UTF-8")
	}
	return nil
}

// splits tells what ends a line in one program or another.
func splits(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }

func written(text string) bool { return utf8.ValidString(text) && !strings.ContainsRune(text, 0) }

// cut shortens a text to n characters.
func cut(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return strings.TrimSpace(string([]rune(text)[:n-1])) + "…"
}

func (s speech) functions() map[string]any {
	return map[string]any{"date": s.date, "duration": s.duration}
}

func (s speech) text(source string, fields map[string]any, limit int) (string, error) {
	t, err := template.New("template").Option("missingkey=error").Funcs(s.functions()).Parse(source)
	if err != nil {
		return "", err
	}
	return bounded(limit, func(w io.Writer) error { return t.Execute(w, fields) })
}

func (s speech) html(source string, fields map[string]any) (string, error) {
	t, err := htmltemplate.New("template").Option("missingkey=error").Funcs(s.functions()).Parse(source)
	if err != nil {
		return "", err
	}
	return bounded(maxHTML, func(w io.Writer) error { return t.Execute(w, fields) })
}

var errLong = errors.New("it becomes too long")

// bounded stops what writes more than limit bytes.
func bounded(limit int, write func(io.Writer) error) (string, error) {
	b := &buffer{left: limit}
	if err := write(b); err != nil {
		if b.left < 0 {
			return "", errLong
		}
		return "", err
	}
	return b.String(), nil
}

type buffer struct {
	bytes.Buffer
	left int
}

func (b *buffer) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, errLong
	}
	return b.Buffer.Write(p)
}

var missingKey = regexp.MustCompile(`<(\.[^>]*)>: map has no entry for key`)

// hush says what is wrong with a template without saying what was put into it.
func hush(err error) error {
	if found := missingKey.FindStringSubmatch(err.Error()); found != nil {
		return fmt.Errorf("the data has no %s", found[1])
	}
	if _, executing := errors.AsType[template.ExecError](err); executing {
		text := err.Error()
		if at := strings.LastIndex(text, ">: "); at >= 0 {
			text = text[at+3:]
		}
		return errors.New(cut(strings.Map(oneLine, text), 200))
	}
	return errors.New(cut(strings.Map(oneLine, err.Error()), 200))
}

func oneLine(r rune) rune {
	if splits(r) {
		return ' '
	}
	return r
}

// oneLined is the text of an error on one line.
func oneLined(err error) string { return strings.Map(oneLine, err.Error()) }

var utc = time.UTC
