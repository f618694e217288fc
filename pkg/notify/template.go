package notify

import (
	"context"
	"encoding/json"
	"io/fs"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/problem"
)

// TemplateSet is what a module says to people: a folder for each template, named after it without the module.
//
// In it, template.yaml says how the template is used, and there are for each language, en at least: en.subject.txt and
// en.txt, and if wanted en.html beside the text and en.short.txt for an SMS or a device. They are templates of Go's
// text/template and html/template. They see the data as JSON has it, and beside conditions, ranges and comparisons have
// two functions: date, for a time of RFC 3339, and duration, for seconds. Numbers are fractions: compare with 1.0.
type TemplateSet struct {
	Module string
	Files  fs.FS
}

// Template is what may be said.
type Template struct {
	Name      string          // "<module>.<what>"
	Category  string          // what recipients choose by
	Essential bool            // cannot be switched off, and does not wait for anything
	Fixed     bool            // tenants cannot replace it
	Digest    bool            // is not urgent: collected into one mail when the recipient wants that
	Channels  []string        // see Notification.Channels
	Locales   []string        // it is there in
	Sample    json.RawMessage // data that it can be tried with
	Custom    []string        // the locales that the tenant in the context has replaced
}

// Source is the text of a template in one locale. HTML and Short may be empty.
type Source struct {
	Subject string
	Text    string
	HTML    string
	Short   string
}

// Custom is a source and when the tenant has replaced the built-in one by it; Updated is zero for the built-in one.
type Custom struct {
	Source
	Updated   time.Time
	UpdatedBy uuid.UUID
}

// What the catalogue answers.
var (
	ErrTemplateNotFound = problem.New(problem.NotFound, "notify.template_not_found", "There is no such template")
	ErrTemplateFixed    = problem.New(problem.Conflict, "notify.template_fixed", "This template cannot be replaced")
	ErrTemplateChanged  = problem.New(problem.PreconditionFailed, "notify.template_changed", "The template was changed in the meantime")
	ErrTemplateInvalid  = problem.New(problem.Invalid, "notify.template_invalid", "The template does not work")
)

// Catalog shows the templates, and lets the tenant in the context replace them. A replacement that fails with the data
// at hand, although it worked with the sample, is passed over for the built-in source.
type Catalog interface {
	Templates(ctx context.Context) ([]Template, error)

	// Source returns the source that counts for the tenant in a locale, or the built-in one of the nearest locale.
	Source(ctx context.Context, name, locale string) (Custom, error)

	// Replace checks the source by rendering it with the sample: ErrTemplateInvalid says what is wrong. accepts is asked about
	// the source that counts now, which nobody else replaces meanwhile; nil accepts any. Otherwise it is ErrTemplateChanged.
	Replace(ctx context.Context, name, locale string, s Source, accepts func(Custom) bool) (Custom, error)

	// Restore goes back to the built-in source. accepts is as in Replace.
	Restore(ctx context.Context, name, locale string, accepts func(Custom) bool) error

	// Preview renders the source that counts, with the sample when data is nil.
	Preview(ctx context.Context, name, locale string, data any) (Rendered, error)
}
