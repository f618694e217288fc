package httpserver

import (
	"bufio"
	"io"
	"maps"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/yourorg/platform/internal/compression"
)

// maxHeld is how much of an answer is kept back until its handler has returned.
const maxHeld = 1 << 20 // bytes

// answer keeps back what a handler writes until it has returned, so that it can be taken back: a handler that panics or
// misses its deadline half-way has answered nothing. An answer that is flushed, larger than maxHeld or given a write
// deadline of its own goes out as it is written, and belongs to its handler.
//
// After the deadline the client is answered without the handler, and what that still writes goes nowhere.
type answer struct {
	server *Server
	w      http.ResponseWriter
	r      *http.Request
	ended  chan end // for a handler in a goroutine of its own, otherwise nil. It holds two: whoever writes never waits

	mu     sync.Mutex
	header http.Header // the handler's, until they are sent
	status int         // 0 as long as it has none
	size   int
	held   []byte
	phase  phase
	fault  any // what the handler panicked with

	stream *compression.Stream // nil when what is written goes out as it is
	flowed func()              // counts what went through it
	known  []string            // If-None-Match as it was sent, where it has tags of compressed answers

	deadline *time.Timer
	armed    bool     // the deadline counts
	op       *mounted // what timed knows, for whoever answers instead of the handler
	id       string

	policy, limit []string               // headers that the timer's answer has too
	shared        [len(sharing)][]string // and those, in that order
}

type phase int

const (
	open   phase = iota // nothing has gone out
	sent                // what is written goes out
	lapsed              // the deadline has passed, and what is written goes nowhere
)

type end int

const (
	returned end = iota
	panicked
	late
)

// answerOf finds the answer below gin's writer, and whatever stands in front of that.
func answerOf(c *gin.Context) *answer {
	w := http.ResponseWriter(c.Writer)
	for {
		if a, ok := w.(*answer); ok {
			return a
		}
		w = w.(interface{ Unwrap() http.ResponseWriter }).Unwrap()
	}
}

// serve runs the handler and tells how it ended.
func (a *answer) serve(h http.Handler, r *http.Request) {
	how := panicked // also when runtime.Goexit ends it
	defer func() {
		a.fault = recover()
		a.ended <- how
	}()
	h.ServeHTTP(a, r)
	how = returned
}

// expire is called by the timer.
func (a *answer) expire() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.phase != open {
		return
	}
	a.phase = lapsed
	a.server.overdue(a)
	if a.ended != nil {
		a.ended <- late
	}
}

// expect sets the deadline.
func (a *answer) expect(timeout time.Duration, op *mounted, id string) {
	a.op, a.id, a.armed = op, id, true
	if a.deadline == nil {
		a.deadline = time.AfterFunc(timeout, a.expire)
		return
	}
	a.deadline.Reset(timeout)
}

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter. The first status counts.
func (a *answer) WriteHeader(status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.status == 0 {
		a.status = status
	}
}

// Write implements http.ResponseWriter. After the deadline it is http.ErrHandlerTimeout.
func (a *answer) Write(part []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.phase == lapsed {
		return 0, http.ErrHandlerTimeout
	}
	a.size += len(part)
	if a.phase == open {
		if len(a.held)+len(part) <= maxHeld {
			a.held = append(a.held, part...)
			return len(part), nil
		}
		a.send(false)
	}
	if a.stream != nil {
		return a.stream.Write(part)
	}
	return a.w.Write(part)
}

// Flush implements http.Flusher.
func (a *answer) Flush() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.phase == lapsed {
		return
	}
	a.send(false)
	if a.stream != nil {
		_ = a.stream.Flush() // a client that is gone cannot be told
	}
	_ = http.NewResponseController(a.w).Flush() // what cannot flush does not hold back
}

// SetWriteDeadline is for http.ResponseController. Who sets it streams.
func (a *answer) SetWriteDeadline(t time.Time) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.phase == lapsed {
		return http.ErrHandlerTimeout
	}
	a.send(false)
	return http.NewResponseController(a.w).SetWriteDeadline(t)
}

// Hijack implements http.Hijacker.
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.phase != open {
		return nil, nil, http.ErrHandlerTimeout
	}
	a.phase = sent
	return http.NewResponseController(a.w).Hijack()
}

// send lets out what is held back; whole says that nothing follows. It needs the lock.
func (a *answer) send(whole bool) {
	if a.phase != open {
		return
	}
	a.phase = sent
	if a.status == 0 {
		a.status = http.StatusOK
	}
	body, done := a.encode(whole)
	maps.Copy(a.w.Header(), a.header)
	a.w.WriteHeader(a.status)
	out := io.Writer(a.w)
	if a.stream != nil {
		out = a.stream
	}
	if len(body) > 0 {
		_, _ = out.Write(body) // a client that is gone cannot be told
	}
	if done != nil {
		done()
	}
}

// finish sends the answer of a handler that has returned. When its deadline has passed before, that is done already.
func (a *answer) finish() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.phase != lapsed {
		a.send(true)
		a.dry(true)
	}
}

// close is for an answer that will not be finished: from now on nobody writes to the client, the timer included.
func (a *answer) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.phase = lapsed
	a.dry(false)
}

// takeBack forgets what the handler has answered, when nothing of it has gone out.
func (a *answer) takeBack() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.phase == sent {
		return false
	}
	a.status, a.size, a.held = 0, 0, a.held[:0]
	strip(a.header)
	return true
}

// ofHandlers are the headers that say something about one answer, or give something away with it. What the platform and
// middleware say of every answer is not among them.
var ofHandlers = []string{
	"Content-Length", "Content-Encoding", "Content-Disposition", "Content-Language", "Content-Location", "Content-Range",
	"Accept-Ranges", "Etag", "Expires", "Last-Modified", "Link", "Location", "Refresh", "Set-Cookie", "Trailer",
}

// strip leaves nothing of a handler's answer to the one that takes its place.
func strip(header http.Header) {
	for _, name := range ofHandlers {
		delete(header, name)
	}
}

// outcome is what the handler has answered: status is 0 when it has not said, and size is in bytes.
func (a *answer) outcome() (status, size int, p phase) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.status, a.size, a.phase
}
