package identity

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// The bounds of what is computed, whatever a stored hash asks for: a damaged row must not take the process down.
const (
	maxMemory      = 1 << 20 // KiB, so 1 GiB
	maxIterations  = 64
	maxParallelism = 64
	maxSalt        = 64 // bytes
	maxKey         = 128
	minSalt        = 8
	minKey         = 16

	saltSize = 16
	keySize  = 32
)

// cost is what one hash takes.
type cost struct {
	memory      uint32 // KiB
	iterations  uint32
	parallelism uint8
}

// phc is a stored hash in the PHC string format: $argon2id$v=19$m=19456,t=2,p=1$salt$hash.
type phc struct {
	cost

	salt, key []byte
}

var errPHC = errors.New("the stored password hash cannot be read")

// derive hashes password with a new salt.
func derive(password string, c cost) phc {
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails: crypto/rand ends the process instead
	return phc{cost: c, salt: salt, key: c.key(password, salt, keySize)}
}

func (c cost) key(password string, salt []byte, size int) []byte {
	return argon2.IDKey([]byte(password), salt, c.iterations, c.memory, c.parallelism, uint32(size))
}

// matches compares in constant time.
func (p phc) matches(password string) bool {
	return subtle.ConstantTimeCompare(p.cost.key(password, p.salt, len(p.key)), p.key) == 1
}

func (p phc) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memory, p.iterations, p.parallelism,
		base64.RawStdEncoding.EncodeToString(p.salt), base64.RawStdEncoding.EncodeToString(p.key))
}

// parsePHC reads what String writes and refuses everything else, also parameters out of bounds.
func parsePHC(s string) (phc, error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return phc{}, errPHC
	}
	params := strings.Split(parts[3], ",")
	if len(params) != 3 {
		return phc{}, errPHC
	}
	parallelism, ok1 := parameter(params[2], "p=", 1, maxParallelism)
	memory, ok2 := parameter(params[0], "m=", 8*parallelism, maxMemory)
	iterations, ok3 := parameter(params[1], "t=", 1, maxIterations)
	salt, ok4 := encoded(parts[4], minSalt, maxSalt)
	key, ok5 := encoded(parts[5], minKey, maxKey)
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 {
		return phc{}, errPHC
	}
	return phc{cost: cost{memory: memory, iterations: iterations, parallelism: uint8(parallelism)}, salt: salt, key: key}, nil
}

func parameter(s, name string, low, high uint32) (uint32, bool) {
	digits, ok := strings.CutPrefix(s, name)
	n, err := strconv.ParseUint(digits, 10, 32)
	return uint32(n), ok && err == nil && uint32(n) >= low && uint32(n) <= high
}

func encoded(s string, low, high int) ([]byte, bool) {
	raw, err := base64.RawStdEncoding.Strict().DecodeString(s)
	return raw, err == nil && len(raw) >= low && len(raw) <= high
}
