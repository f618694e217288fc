package httpserver

import (
	"net/http"
	"time"
)

// stretch is how much of a file a client has to take within http.write_timeout.
const stretch = 256 << 10

// unhurried is the answer to a file of any size. The write deadline of a request is for answers of a bounded size; this one
// is moved with each stretch that was written. Who reads slowly gets the whole file, and who reads nothing is cut off.
type unhurried struct {
	http.ResponseWriter
	timeout time.Duration
	written int // since the deadline was moved
}

// Write implements io.Writer. A file below the first stretch is an answer like any other.
func (u *unhurried) Write(part []byte) (int, error) {
	if u.written >= stretch {
		u.written = 0
		_ = http.NewResponseController(u.ResponseWriter).SetWriteDeadline(time.Now().Add(u.timeout)) // what is no connection has no deadline
	}
	n, err := u.ResponseWriter.Write(part)
	u.written += n
	return n, err
}

// Unwrap is for http.ResponseController.
func (u *unhurried) Unwrap() http.ResponseWriter { return u.ResponseWriter }
