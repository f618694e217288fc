// Package breached knows the passwords that attackers try first.
//
// list.txt.gz is made from the frequency lists of zxcvbn 4.4.2 (github.com/dropbox/zxcvbn, the npm package "zxcvbn",
// lib/frequency_lists.js): the most common passwords of known breaches, and the most common English words and names,
// which crackers try next. It is used under the MIT licence in the file LICENSE beside it. Of all its lists together the
// entries of at least eight characters are kept, because no shorter password is accepted anyway: in lower case, sorted,
// one a line, and compressed with gzip -n9.
package breached

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"strings"
	"sync"
)

//go:embed list.txt.gz
var compressed []byte

// list is "\n" and every entry followed by "\n". Going through its 400 kB takes microseconds, beside the milliseconds of
// a hash, and needs no index in memory.
var list = sync.OnceValue(func() string {
	r, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		panic(fmt.Errorf("the embedded list of passwords: %w", err)) // a broken build: a test reads it
	}
	text, err := io.ReadAll(r)
	if err != nil {
		panic(fmt.Errorf("the embedded list of passwords: %w", err))
	}
	return "\n" + string(text)
})

// Contains tells whether password is a common one, whatever its case. Surrounding space does not make it another.
func Contains(password string) bool {
	password = strings.ToLower(strings.TrimSpace(password))
	return password != "" && !strings.Contains(password, "\n") && strings.Contains(list(), "\n"+password+"\n")
}
