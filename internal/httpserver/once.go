package httpserver

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/yourorg/platform/internal/idempotency"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/tenant"
)

// once answers a request with an Idempotency-Key: with what work returns, or with what it has returned before. The
// answer is made within the transaction, so that what is kept is what was sent.
func (s *Server) once(c *gin.Context, op *mounted, work func(context.Context) (any, error)) error {
	r, err := keyed(c.Request, op)
	if err != nil {
		return err
	}
	answer, replayed, err := s.answers.Once(c.Request.Context(), r, func(ctx context.Context) (*idempotency.Answer, error) {
		response, err := work(ctx)
		if err != nil {
			return nil, err
		}
		return rendered(response)
	})
	if err != nil {
		return err
	}
	header := c.Writer.Header()
	for name, values := range answer.Header {
		header[name] = values
	}
	if replayed {
		header[idempotency.Replayed] = isTrue
	}
	c.Writer.WriteHeader(answer.Status)
	if len(answer.Body) > 0 {
		_, _ = c.Writer.Write(answer.Body) // nobody is left to hear of an error
	}
	return nil
}

var isTrue = []string{"true"}

// keyed reads the key, and what the request is. The caller is the user, or the API key, in one tenant.
func keyed(r *http.Request, op *mounted) (*idempotency.Request, error) {
	key, err := idempotency.Key(r.Header)
	if err != nil {
		return nil, err
	}
	print, err := fingerprint(r, op)
	if err != nil {
		return nil, err
	}
	request := &idempotency.Request{Key: key, Fingerprint: print}
	request.Tenant, _ = tenant.FromContext(r.Context())
	caller, ok := auth.FromContext(r.Context())
	if !ok || caller.UserID == uuid.Nil {
		return nil, fmt.Errorf("%s %s: an Idempotency-Key without a caller", op.Method, op.Path)
	}
	request.User, request.Caller = caller.UserID, "user "+caller.UserID.String()
	if caller.Key != nil {
		request.Caller = "key " + caller.Key.ID.String()
	}
	return request, nil
}

// fingerprint is of all that the operation may depend on: the body as it came, and the headers that its contract names.
func fingerprint(r *http.Request, op *mounted) (print [sha256.Size]byte, err error) {
	parts := []string{op.Method, op.Path, r.URL.EscapedPath(), r.URL.RawQuery, strings.Join(r.Header["Content-Type"], ", ")}
	for _, p := range op.Parameters {
		if p.In == "header" {
			parts = append(parts, p.Name, strings.Join(r.Header.Values(p.Name), ", "))
		}
	}
	body, ok := r.Body.(*checked)
	if !ok { // nothing else gets past the check
		return idempotency.Fingerprint(parts...), nil
	}
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return print, err
	}
	var raw strings.Builder
	raw.Grow(body.Len())
	if _, err := body.WriteTo(&raw); err != nil {
		return print, err
	}
	return idempotency.Fingerprint(append(parts, "body", raw.String())...), nil
}

// rendered writes a response of a generated server into memory.
func rendered(response any) (*idempotency.Answer, error) {
	w := &page{header: http.Header{}}
	if response != nil {
		v := reflect.ValueOf(response)
		i, err := visit(v.Type())
		if err != nil {
			return nil, err
		}
		if err := v.Method(i).Interface().(func(http.ResponseWriter) error)(w); err != nil {
			return nil, err
		}
	}
	w.WriteHeader(http.StatusOK)
	return &idempotency.Answer{Status: w.status, Header: w.header, Body: w.body.Bytes()}, nil
}

var visits sync.Map // type → the number of its method

// visit finds the method with which the generated server writes a response of this type: Visit<Operation>Response.
func visit(t reflect.Type) (int, error) {
	if i, ok := visits.Load(t); ok {
		return i.(int), nil
	}
	for i := range t.NumMethod() {
		m := t.Method(i)
		if strings.HasPrefix(m.Name, "Visit") && strings.HasSuffix(m.Name, "Response") && m.Type.NumIn() == 2 && m.Type.In(1) == reflect.TypeFor[http.ResponseWriter]() {
			visits.Store(t, i)
			return i, nil
		}
	}
	return 0, fmt.Errorf("unexpected response type: %s", t)
}

// page is a response in memory.
type page struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (p *page) Header() http.Header { return p.header }

func (p *page) Write(b []byte) (int, error) {
	p.WriteHeader(http.StatusOK)
	return p.body.Write(b)
}

// WriteHeader keeps the first status, as the real one does.
func (p *page) WriteHeader(status int) {
	if p.status == 0 {
		p.status = status
	}
}
