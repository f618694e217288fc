package identity

import (
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"github.com/yourorg/platform/pkg/problem"
)

const (
	maxEmail = 254 // bytes, RFC 5321
	maxName  = 200 // characters
)

// User is a person, in whatever tenants.
type User struct {
	ID           uuid.UUID
	Email        string // in its normal form, unique
	Name         string
	PasswordHash string // PHC, or bcrypt's when imported
	DisabledAt   *time.Time
	CreatedAt    time.Time

	EmailVerifiedAt *time.Time // nil until the user proved to read mail there
	DeletionDueAt   *time.Time // when the user is to be erased; nil when not
}

// newUser returns a user with an id. The arguments must have passed their checks.
func newUser(email, name, passwordHash string) (User, error) {
	id, err := uuid.NewV7()
	return User{ID: id, Email: normalizeEmail(email), Name: normalizeName(name), PasswordHash: passwordHash, CreatedAt: now()}, err
}

// normalizeEmail makes one of all the ways in which people type one address.
func normalizeEmail(address string) string {
	return strings.ToLower(norm.NFC.String(strings.TrimSpace(address)))
}

// validEmail accepts a bare address in ASCII, surrounded by nothing but space. Other scripts are refused because two
// addresses that look the same would be two users. A host without a dot, such as localhost, is fine.
func validEmail(address string) bool {
	address = strings.TrimSpace(address)
	if len(address) > maxEmail || strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return false
	}
	parsed, err := mail.ParseAddress(address)
	return err == nil && parsed.Name == "" && parsed.Address == address
}

func checkEmail(address string) *problem.Field {
	switch {
	case strings.TrimSpace(address) == "":
		return &problem.Field{Field: "email", Code: "required", Message: "is required"}
	case !validEmail(address):
		return &problem.Field{Field: "email", Code: "invalid", Message: "is not an e-mail address"}
	}
	return nil
}

// normalizeName is for the names of people and of tenants.
func normalizeName(name string) string { return norm.NFC.String(strings.TrimSpace(name)) }

func checkName(field, name string) *problem.Field {
	name = normalizeName(name)
	switch {
	case name == "":
		return &problem.Field{Field: field, Code: "required", Message: "is required"}
	case utf8.RuneCountInString(name) > maxName:
		return &problem.Field{Field: field, Code: "too_long", Message: fmt.Sprintf("must have at most %d characters", maxName)}
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return &problem.Field{Field: field, Code: "invalid", Message: "must not contain control characters"}
	}
	return nil
}

// now has the precision that both databases keep.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
