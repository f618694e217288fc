package httpserver

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yourorg/platform/internal/compression"
	"github.com/yourorg/platform/internal/contract"
	"github.com/yourorg/platform/pkg/web"
)

// Answers are compressed where they leave for the client, below everything that may still take them back: a replayed
// answer, a panic and a deadline know nothing of it. The access log counts the bytes of handlers, the metrics those before
// and after.

var (
	variesByEncoding = []string{"Accept-Encoding"} // nothing changes it in place
	buffers          = sync.Pool{New: func() any { return new(bytes.Buffer) }}
)

func newSaved() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "platform_http_compression_bytes_total", Help: "Bytes of the answers that were compressed, before and after.",
	}, []string{"coding", "when"})
}

// coding is how the answer goes out, "" as it is. whole says that all of it is held. It sets Vary wherever another client
// may get the answer in another coding.
func (a *answer) coding(whole bool) string {
	cfg := a.server.compression.Load()
	if !cfg.Enabled {
		return ""
	}
	h := a.header
	if a.status == http.StatusNotModified {
		a.vary()
		a.remark()
		return ""
	}
	if !mayBeCoded(a.status) || len(h["Content-Encoding"]) > 0 || !compressible(h) {
		return ""
	}
	accept := a.r.Header["Accept-Encoding"]
	if size, known := a.length(whole); known && (size == 0 || size < cfg.MinBytes && !web.RefusesIdentity(accept)) {
		return ""
	}
	if a.op.mayHoldSecrets(a.r.Method) || len(h["Set-Cookie"]) > 0 {
		return ""
	}
	a.vary()
	if len(accept) == 0 || len(a.r.Header["Range"]) > 0 {
		return ""
	}
	return web.Encoding(accept, compression.Codings...)
}

// A part of a file is one of the file as it is.
func mayBeCoded(status int) bool {
	return status >= http.StatusOK && status != http.StatusNoContent && status != http.StatusResetContent && status != http.StatusPartialContent
}

func compressible(h http.Header) bool {
	media := h["Content-Type"]
	if len(media) != 1 || !compression.Compressible(media[0]) {
		return false
	}
	for _, line := range h["Cache-Control"] {
		if strings.Contains(strings.ToLower(line), "no-transform") {
			return false
		}
	}
	return true
}

// length of the body, where it is known: the answer to HEAD may have none and announce it all the same.
func (a *answer) length(whole bool) (size int, known bool) {
	if announced := a.header["Content-Length"]; len(announced) == 1 && (!whole || a.r.Method == http.MethodHead) {
		n, err := strconv.Atoi(announced[0])
		return n, err == nil
	}
	return len(a.held), whole
}

// mayHoldSecrets tells which answers are left alone because of BREACH: whoever makes somebody's browser ask again and
// again, and sees the size of the answers, finds out what stands beside the text that he chooses. Credentials are given out
// by public operations, by those with cookies and by those that ask for a recent authentication.
func (m *mounted) mayHoldSecrets(method string) bool {
	safe := method == http.MethodGet || method == http.MethodHead
	if m == nil {
		return !safe
	}
	return m.Cookies || m.StepUp || m.OAuth || m.Access == contract.Public && !safe
}

func (a *answer) vary() {
	if said := a.header["Vary"]; len(said) == 0 {
		a.header["Vary"] = variesByEncoding
	} else if !slices.ContainsFunc(said, func(line string) bool { return strings.Contains(line, "Accept-Encoding") }) {
		a.header["Vary"] = append(slices.Clip(said), variesByEncoding...) // the lines are shared
	}
}

// encode begins an answer that is coded, and says what there is to write of it now. The answer to HEAD only says what that
// to GET would be.
func (a *answer) encode(whole bool) (body []byte, done func()) {
	coding := a.coding(whole)
	if coding == "" {
		return a.held, nil
	}
	if a.r.Method != http.MethodHead && !whole {
		if !a.flow(coding) {
			return a.held, nil // every stream is in use
		}
	}
	h := a.header
	h["Content-Encoding"] = []string{coding}
	if tag := h.Get("ETag"); tag != "" {
		h.Set("ETag", compression.Marked(tag, coding))
	}
	h.Del("Accept-Ranges")
	h.Del("Content-Length")
	if !whole || a.r.Method == http.MethodHead {
		return a.held, nil
	}
	into := buffers.Get().(*bytes.Buffer)
	a.server.encoders.Whole(coding, a.held, into)
	a.server.traffic.compressed(coding, len(a.held), into.Len())
	h["Content-Length"] = []string{strconv.Itoa(into.Len())}
	return into.Bytes(), func() {
		if into.Cap() <= 64<<10 {
			into.Reset()
			buffers.Put(into)
		}
	}
}

// counted is the client, and how much it got.
type counted struct {
	io.Writer
	n int
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.Writer.Write(p)
	c.n += n
	return n, err
}

// flow compresses what is written from now on.
func (a *answer) flow(coding string) bool {
	out := &counted{Writer: a.w}
	if a.stream = a.server.encoders.Stream(coding, out); a.stream == nil {
		return false
	}
	a.flowed = func() { a.server.traffic.compressed(coding, a.size, out.n) }
	return true
}

// dry ends the stream. Without its last bytes the client knows that the answer is not whole.
func (a *answer) dry(whole bool) {
	if a.stream == nil {
		return
	}
	if whole {
		_ = a.stream.Close() // a client that is gone cannot be told
	} else {
		a.stream.Drop()
	}
	a.stream = nil
	a.flowed()
}

func (t *traffic) compressed(coding string, before, after int) {
	t.saved.WithLabelValues(coding, "before").Add(float64(before))
	t.saved.WithLabelValues(coding, "after").Add(float64(after))
}

// unmark gives handlers the entity tags that they know, also while nothing is compressed: clients keep tags. For
// If-None-Match the tag of a coding counts when the client still accepts it.
func (a *answer) unmark() {
	known, must := a.r.Header["If-None-Match"], a.r.Header["If-Match"]
	if len(known) == 0 && len(must) == 0 {
		return
	}
	knows, demands := compression.IsMarked(known), compression.IsMarked(must)
	if !knows && !demands {
		return
	}
	r := a.r.WithContext(a.r.Context())
	r.Header = maps.Clone(r.Header) // it is the caller's
	if knows {
		a.known = known
		r.Header["If-None-Match"] = compression.Unmarked(known, a.accepted()...)
	}
	if demands {
		r.Header["If-Match"] = compression.Unmarked(must, compression.Codings...)
	}
	a.r = r
}

func (a *answer) accepted() (codings []string) {
	for _, coding := range compression.Codings {
		if web.Encoding(a.r.Header["Accept-Encoding"], coding) == coding {
			codings = append(codings, coding)
		}
	}
	return codings
}

// remark answers 304 with the tag by which the client knows what it has.
func (a *answer) remark() {
	tag := a.header.Get("ETag")
	if a.known == nil || tag == "" {
		return
	}
	for _, coding := range a.accepted() {
		if marked := compression.Marked(tag, coding); marked != tag && web.Fresh(a.known, marked) {
			a.header.Set("ETag", marked)
			return
		}
	}
}
