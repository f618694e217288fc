package settings

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/perm"
	"github.com/yourorg/platform/pkg/tenant"
)

// Setting is a definition whose values are of type T. It is a value of the package that declares it, and never changes.
type Setting[T any] struct{ def Definition }

// Defined is any Setting.
type Defined interface{ Definition() Definition }

// Definition returns what was declared.
func (s Setting[T]) Definition() Definition { return s.def }

// Get returns what counts for the tenant in ctx, and for the caller when they act in it. Without a tenant it is the
// value of the environment. It takes well under a microsecond, except on first use and after a change. It does not see
// what a transaction in ctx has yet to commit.
func (s Setting[T]) Get(ctx context.Context, r Reader) (T, error) {
	id, _ := tenant.FromContext(ctx)
	user := uuid.Nil
	if caller, ok := auth.FromContext(ctx); ok && caller.TenantID == id {
		user = caller.UserID
	}
	return s.GetFor(ctx, r, id, user)
}

// GetFor is Get for any tenant and user; uuid.Nil stands for none.
func (s Setting[T]) GetFor(ctx context.Context, r Reader, t tenant.ID, user uuid.UUID) (T, error) {
	var none T
	value, err := r.Effective(ctx, s.def.Key, t, user)
	if err != nil {
		return none, err
	}
	typed, ok := value.(T)
	if !ok {
		return none, fmt.Errorf("the setting %s is a %T", s.def.Key, value)
	}
	if list, ok := value.([]string); ok { // the caller's own: the original is kept
		typed, _ = any(slices.Clone(list)).(T)
	}
	return typed, nil
}

// Option says more about a setting.
type Option func(*Definition)

// ForTenants lets a tenant choose: who holds the permission to change it, settings.tenant.update when that is empty.
func ForTenants(change perm.Permission) Option {
	return func(d *Definition) { d.ForTenant, d.Change = true, change }
}

// ForUsers lets every user choose for themselves, in each tenant apart.
func ForUsers() Option { return func(d *Definition) { d.ForUser = true } }

// ReadableWith shows the setting only to holders of a permission. To others it does not exist.
func ReadableWith(read perm.Permission) Option { return func(d *Definition) { d.Read = read } }

// Between bounds an integer, or a duration.
func Between[T int | time.Duration](low, high T) Option {
	return func(d *Definition) {
		l, h := int64(low), int64(high)
		d.Min, d.Max = &l, &h
	}
}

// MaxLength bounds a text, or each item of a list, in characters. It is 256 when nothing is said.
func MaxLength(n int) Option { return func(d *Definition) { d.MaxLength = n } }

// MaxItems bounds a list. It is 50 when nothing is said.
func MaxItems(n int) Option { return func(d *Definition) { d.MaxItems = n } }

// Pattern is what a text, or each item of a list, must match.
func Pattern(p *regexp.Regexp) Option { return func(d *Definition) { d.Pattern = p } }

// Check refuses further values. Its error continues "the value …", as in "must be a prime", and must not repeat the
// value. T is the type of the setting.
func Check[T any](fn func(T) error) Option {
	return func(d *Definition) {
		d.check = func(v any) error {
			value, ok := v.(T)
			if !ok {
				return fmt.Errorf("is checked by a function for a %T", value)
			}
			return fn(value)
		}
	}
}

func declare[T any](t Type, key string, def T, description string, options []Option) Setting[T] {
	d := Definition{
		Key: key, Description: description, Type: t, Default: def, MaxLength: defaultLength, MaxItems: defaultItems,
	}
	for _, o := range options {
		o(&d)
	}
	return Setting[T]{def: d}
}

// Bool declares a switch.
func Bool(key string, def bool, description string, options ...Option) Setting[bool] {
	return declare(Boolean, key, def, description, options)
}

// Int declares a whole number, between ±(2⁵³-1) when nothing narrower is said.
func Int(key string, def int, description string, options ...Option) Setting[int] {
	return declare(Integer, key, def, description, options)
}

// String declares a text of one line.
func String(key, def, description string, options ...Option) Setting[string] {
	return declare(Text, key, def, description, options)
}

// Length declares a length of time.
func Length(key string, def time.Duration, description string, options ...Option) Setting[time.Duration] {
	return declare(Duration, key, def, description, options)
}

// Enum declares a choice among values.
func Enum(key, def string, values []string, description string, options ...Option) Setting[string] {
	return declare(Choice, key, def, description, append([]Option{func(d *Definition) { d.Values = values }}, options...))
}

// Strings declares a list of texts, none of them empty or there twice.
func Strings(key string, def []string, description string, options ...Option) Setting[[]string] {
	return declare(List, key, def, description, options)
}

// Hidden declares a secret. There is none until somebody sets it. It is sealed in the database, and never shown again.
func Hidden(key, description string, options ...Option) Setting[config.Secret] {
	return declare(Secret, key, config.Secret(""), description, options)
}
