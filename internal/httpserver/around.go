package httpserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"go.uber.org/zap"

	internalaudit "github.com/yourorg/platform/internal/audit"
	"github.com/yourorg/platform/internal/contract"
	"github.com/yourorg/platform/internal/idempotency"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/logger"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/problem"
)

// mounted is an operation in service.
type mounted struct {
	contract.Operation
	module    string
	operators bool     // only the operator's role holds its permission
	unqueued  bool     // it never waits for a place
	passes    []string // the middleware that a request passes
	placed    []string // those of them that modules contribute
}

// action is what the audit trail calls the operation: its permission, or else its module and id.
func (m *mounted) action() string {
	if m.Permission != "" {
		return string(m.Permission)
	}
	return m.module + "." + m.ID
}

// around runs a mutating operation and the record of it in one transaction, which commits before the response is
// written: an answer never promises what was not kept.
func (s *Server) around(ops map[string]*mounted) module.Around {
	transacted := s.transacted(ops)
	return func(operationID string, next module.Handler) module.Handler {
		next = answerCookies(transacted(operationID, resourceChecked(ops[operationID], next)))
		return func(c *gin.Context, request any) (any, error) {
			c.Set(calledKey, true)
			return next(c, request)
		}
	}
}

func (s *Server) transacted(ops map[string]*mounted) module.Around {
	return func(operationID string, next module.Handler) module.Handler {
		op := ops[operationID]
		if op == nil || !op.Mutates() {
			return next
		}
		if op.Manual {
			return s.marked(op, next)
		}
		return func(c *gin.Context, request any) (response any, err error) {
			outer := c.Request
			defer func() { c.Request = outer }()
			work := func(ctx context.Context) error {
				c.Request = outer.WithContext(ctx)
				if response, err = next(c, request); err != nil {
					return err
				}
				return s.audit.Record(ctx, audit.Entry{Action: op.action(), Target: target(outer.URL.Path, response), Outcome: audit.Succeeded})
			}
			if op.Idempotent() && len(outer.Header[idempotency.Header]) > 0 {
				return nil, s.once(c, op, func(ctx context.Context) (any, error) { err := work(ctx); return response, err })
			}
			if err = s.tx.InTx(outer.Context(), work); err != nil {
				return nil, err
			}
			return response, nil
		}
	}
}

// marked leaves the transactions to the operation. When it has recorded nothing itself, its success is recorded
// afterwards.
func (s *Server) marked(op *mounted, next module.Handler) module.Handler {
	return func(c *gin.Context, request any) (any, error) {
		ctx, mark := internalaudit.NewContext(c.Request.Context())
		c.Request = c.Request.WithContext(ctx)
		response, err := next(c, request)
		if err != nil {
			return nil, err
		}
		if _, known := auth.FromContext(ctx); known && !mark.Recorded() {
			err = s.audit.Record(ctx, audit.Entry{Action: op.action(), Target: target(c.Request.URL.Path, response), Outcome: audit.Succeeded})
		}
		return response, err
	}
}

// target is the resource that an operation was about: where it created one, the new one.
func target(path string, response any) string {
	v := reflect.ValueOf(response)
	if v.Kind() == reflect.Struct {
		if headers := v.FieldByName("Headers"); headers.IsValid() && headers.Kind() == reflect.Struct {
			if location, ok := fieldValue(headers, "Location").(*string); ok && location != nil {
				return *location
			}
		}
	}
	return path
}

func fieldValue(v reflect.Value, name string) any {
	if f := v.FieldByName(name); f.IsValid() {
		return f.Interface()
	}
	return nil
}

// refuse is fail for the generated server. An error before the operation was called means that a value which the
// contract allows does not fit its Go type, such as an integer of 30 digits.
func (s *Server) refuse(c *gin.Context, err error) {
	_, called := c.Get(calledKey)
	if _, known := errors.AsType[*problem.Problem](err); !called && !known {
		field := problem.Field{Code: "out_of_range", Message: "is out of range"}
		if unfit, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			field.Field = unfit.Field
		}
		err = errInvalid.With(field).Wrap(err)
	}
	s.fail(c, err)
}

// fail answers with the problem in err, after the attempt is on record.
func (s *Server) fail(c *gin.Context, err error) {
	p := translate(c.Request.Context(), err)
	if p.Kind == problem.Internal && !errors.Is(c.Request.Context().Err(), context.Canceled) { // or whoever hangs up would be reported
		s.report(c, err, nil)
	}
	s.recordFailure(c, p)
	write(c, p)
}

// recordTimeout keeps the record of an attempt from delaying its answer past the server's write timeout.
const recordTimeout = time.Second

// recordFailure writes in a transaction of its own: the one of the attempt is rolled back. Attempts without a known
// caller are not recorded, because anybody could fill the trail with them, nor those that failed because the database
// cannot be written to: waiting for it once more would only double the caller's wait. Both are in the log. Who asks again
// while the same request is running has attempted nothing.
func (s *Server) recordFailure(c *gin.Context, p *problem.Problem) {
	ctx := c.Request.Context()
	v, _ := c.Get(operationKey)
	op, found := v.(*mounted)
	if _, known := auth.FromContext(ctx); !found || !known || !op.Mutates() || strings.HasPrefix(p.Code, "database.") || errors.Is(p, idempotency.ErrRunning) {
		return
	}
	outcome := audit.Failed
	if p.Kind == problem.Forbidden {
		outcome = audit.Denied
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	err := s.audit.Record(ctx, audit.Entry{Action: op.action(), Target: strings.Clone(c.Request.URL.Path), Outcome: outcome})
	if err != nil {
		s.log.Error("an attempt could not be recorded", append(logger.Scope(ctx), zap.String("action", op.action()), zap.Error(fmt.Errorf("audit: %w", err)))...)
	}
}
