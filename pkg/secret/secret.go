// Package secret keeps what is secret unreadable in the database.
package secret

import "errors"

// ErrOpen is what Open answers to anything that Seal did not make with the same key and context.
var ErrOpen = errors.New("it was sealed with another encryption key or for another purpose, or it has been altered")

// Sealer encrypts under the platform's encryption key (security.encryption_key), with authentication. It can be used
// once the platform has started, by several goroutines.
type Sealer interface {
	// Seal encrypts plain. The context, such as the table and id of the row that it is for, is not kept: Open needs the
	// same one, so that a value moved elsewhere is worthless.
	Seal(plain []byte, context string) ([]byte, error)

	// Open returns what was sealed for context, or ErrOpen.
	Open(sealed []byte, context string) ([]byte, error)
}
