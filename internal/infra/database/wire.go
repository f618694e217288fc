package database

import (
	"encoding/binary"
	"io"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgproto3"
)

// wire stands between pgx and the server's connection. It sends the scope of a statement in the same flight as the
// statement and hides the answer to it: a statement that needs its scope set first still costs one round trip, and
// everything above, from the statement cache to the rows, is as without it.
//
// The messages of one flight run in one transaction, the open one or an implicit one (PostgreSQL manual, "Pipelining"),
// so what is set locally lasts exactly as long as the statement or its transaction. When setting fails, the server skips
// the statement and its error becomes the statement's.
type wire struct {
	r io.Reader
	w io.Writer

	// Goes before the next statement. It is atomic because pgx says goodbye on a connection whose context has ended in a
	// goroutine of its own, while the statement returns.
	ahead  atomic.Pointer[ahead]
	hiding bool // the answer to what went ahead is still to come

	header [5]byte // of the message that is being read: its type, and its length without the type
	got    int     // bytes of header
	rest   int     // bytes of the message behind its header
	hidden bool    // whether the message is kept back
}

// ahead is one query in both forms: bound and executed, or as text before another text.
type ahead struct {
	bound []byte
	text  string
}

func (w *wire) frontend(r io.Reader, to io.Writer) *pgproto3.Frontend {
	w.r, w.w = r, to // pgx may try several hosts
	w.ahead.Store(nil)
	w.hiding, w.got, w.rest, w.hidden = false, 0, 0, false
	return pgproto3.NewFrontend(w, w)
}

// Write puts what goes ahead before the first flight that executes something. Preparing a statement is a flight of its own.
func (w *wire) Write(p []byte) (int, error) {
	first := w.ahead.Load()
	if first == nil || !executes(p) {
		return w.w.Write(p)
	}
	flight := append(first.bound[:len(first.bound):len(first.bound)], p...)
	if p[0] == 'Q' {
		flight = (&query{first.text, p}).joined()
	}
	w.ahead.Store(nil)
	w.hiding = true
	n, err := w.w.Write(flight)
	if err != nil {
		return min(n, len(p)), err // 0 only when nothing was sent, which is what a retry depends on
	}
	return len(p), nil
}

// executes tells whether a flight binds a statement or is a simple query.
func executes(p []byte) bool {
	for len(p) >= 5 {
		if p[0] == 'B' || p[0] == 'Q' {
			return true
		}
		p = p[min(len(p), 1+int(binary.BigEndian.Uint32(p[1:5]))):]
	}
	return false
}

// query is a simple query, and a text to run before it.
type query struct {
	text    string
	message []byte
}

func (q *query) joined() []byte {
	body := q.text + strings.TrimSuffix(string(q.message[5:]), "\x00") + "\x00"
	return append(binary.BigEndian.AppendUint32([]byte{'Q'}, uint32(4+len(body))), body...)
}

// Read leaves out the answer to what went ahead.
func (w *wire) Read(p []byte) (int, error) {
	for {
		n, err := w.r.Read(p)
		shown := w.show(p[:n])
		if shown > 0 || err != nil || len(p) == 0 {
			return shown, err
		}
	}
}

// show moves the bytes that are not hidden to the beginning of p and returns how many they are. A message may come in
// any number of pieces.
func (w *wire) show(p []byte) int {
	shown := 0
	for i := 0; i < len(p); {
		n := 1
		if w.rest > 0 {
			n = min(w.rest, len(p)-i)
			w.rest -= n
		} else {
			w.head(p[i])
		}
		if !w.hidden {
			shown += copy(p[shown:], p[i:i+n])
		}
		i += n
	}
	return shown
}

// head takes the next byte of a header. The type decides: the answer ends with CommandComplete, or with an error, which
// is shown. Notices and changed parameters belong to everybody.
func (w *wire) head(b byte) {
	w.header[w.got] = b
	w.got++
	switch w.got {
	case 1:
		w.hidden = false
		if !w.hiding {
			return
		}
		switch b {
		case '1', '2', '3', 'T', 'D': // ParseComplete, BindComplete, CloseComplete, RowDescription, DataRow
			w.hidden = true
		case 'C': // CommandComplete
			w.hidden, w.hiding = true, false
		case 'E', 'Z': // ErrorResponse, ReadyForQuery
			w.hiding = false
		}
	case len(w.header):
		w.got, w.rest = 0, int(binary.BigEndian.Uint32(w.header[1:]))-4
	}
}
