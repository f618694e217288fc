package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"hash/crc32"
	"strings"
)

// The form of an API key: pk_<12 letters and digits>_<32 of them><6 of checksum>. The first part can be shown, the
// second is the secret. The checksum tells a key from a typing error without a look into the database, and lets
// scanners of source code recognize one.
const (
	KeyScheme   = "pk_" // what every key begins with, and no access token does
	KeyPattern  = `^pk_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}$`
	prefixSize  = len(KeyScheme) + 12
	secretSize  = 32
	sumSize     = 6
	keyTextSize = prefixSize + 1 + secretSize + sumSize
)

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// KeyText is an API key as its user has it.
type KeyText string

// NewKeyText returns a new random key: 190 bits are secret.
func NewKeyText() KeyText {
	text := KeyScheme + randomDigits(prefixSize-len(KeyScheme)) + "_" + randomDigits(secretSize)
	return KeyText(text + checksum(text))
}

// ParseKey reads what somebody sends as a key. It tells nothing about whether there is such a key.
func ParseKey(text string) (KeyText, bool) {
	if len(text) != keyTextSize || !strings.HasPrefix(text, KeyScheme) || text[prefixSize] != '_' {
		return "", false
	}
	for i := len(KeyScheme); i < len(text); i++ {
		if c := text[i]; i != prefixSize && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return "", false
		}
	}
	body := text[:keyTextSize-sumSize]
	return KeyText(text), checksum(body) == text[len(body):]
}

// Prefix is the part that can be shown.
func (k KeyText) Prefix() string { return string(k[:prefixSize]) }

// Hash is what is kept of the key. The key has more entropy than the hash can lose, so that there is nothing to slow
// down as with a password.
func (k KeyText) Hash() [sha256.Size]byte {
	var buf [keyTextSize]byte
	return sha256.Sum256(append(buf[:0], k...))
}

// checksum is the CRC-32 of text in six digits.
func checksum(text string) string {
	var buf [keyTextSize]byte
	n := crc32.ChecksumIEEE(append(buf[:0], text...))
	var out [sumSize]byte
	for i := len(out) - 1; i >= 0; i-- {
		out[i] = digits[n%uint32(len(digits))]
		n /= uint32(len(digits))
	}
	return string(out[:])
}

// randomDigits throws away the bytes that would make some digits more likely than others.
func randomDigits(n int) string {
	const even = 256 - 256%len(digits)
	out := make([]byte, 0, n)
	for len(out) < n {
		var some [64]byte
		_, _ = rand.Read(some[:]) // never fails
		for _, b := range some {
			if int(b) < even && len(out) < n {
				out = append(out, digits[int(b)%len(digits)])
			}
		}
	}
	return string(out)
}
