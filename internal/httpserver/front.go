package httpserver

import (
	"context"
	"net/netip"
	"time"

	"github.com/gin-gonic/gin"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/admission"
	"github.com/yourorg/platform/internal/contract"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/logger"
	"github.com/yourorg/platform/pkg/perm"
	"github.com/yourorg/platform/pkg/problem"
)

// What a request is told that the platform has no room for.
var (
	errTooMany    = problem.New(problem.TooMany, "request.too_many", "Too many requests from this address")
	errOverloaded = problem.New(problem.Unavailable, "request.overloaded", "The server is busy")
)

// The names of the gates that are no operation's, as metrics show them.
const (
	everyonesGate  = "requests"
	operatorsGate  = "operators"
	operationsGate = "operation " // and its id
)

// patience is how long a client that found no room should wait before it tries again.
const patience = time.Second

// called says which operation it is about.
func (*Server) called(op *mounted) gin.HandlerFunc {
	return func(c *gin.Context) {
		if op != nil {
			c.Set(operationKey, op)
		}
		c.Next()
	}
}

// probe tells whether an operation may never be refused: whoever asks it wants to know whether this replica is well.
func (m *mounted) probe() bool { return m != nil && m.Unlimited }

// guarded refuses an address that asks too fast. A flood must fill no log, so this is the one answer that is not logged
// each: there is one line a second, and the metrics count all.
func (s *Server) guarded(op *mounted) gin.HandlerFunc {
	if s.guard == nil || op.probe() {
		return (*gin.Context).Next
	}
	return func(c *gin.Context) {
		ip := logger.FromContext(c.Request.Context()).IP
		client, _ := netip.ParseAddr(ip) // what is no address is one client
		wait := s.guard.Allow(client)
		if wait == 0 {
			c.Next()
			return
		}
		s.traffic.abusive.Inc()
		if n := s.tally.Add(); n > 0 {
			s.log.Warn("addresses that ask too fast are refused", zap.Int("refused", n), zap.String("last_ip", ip),
				zap.Bool("forwarded", len(c.Request.Header["X-Forwarded-For"]) > 0)) // perhaps a proxy that is not in http.trusted_proxies
		}
		c.Set(unloggedKey, true)
		write(c, errTooMany.After(wait))
	}
}

// admitted waits for a place to work on the request, and keeps it until the handler has returned, however that comes
// about. An operation's own places come first, so that whoever waits for one of those holds none of everybody's.
func (s *Server) admitted(op *mounted) gin.HandlerFunc {
	if op.probe() || op != nil && op.unqueued {
		return (*gin.Context).Next
	}
	own := s.ownGate(op)
	return func(c *gin.Context) {
		ctx := c.Request.Context()
		if own != nil {
			if !s.enter(ctx, c, own) {
				return
			}
			defer own.Leave()
		}
		gate := s.gates[everyonesGate]
		if op != nil && op.operators && s.presented(c.Request) {
			gate = s.gates[operatorsGate]
		}
		if !s.enter(ctx, c, gate) {
			return
		}
		if gate.Adapts() {
			began := time.Now()
			defer func() { gate.LeaveAfter(time.Since(began)) }()
		} else {
			defer gate.Leave()
		}
		c.Next()
	}
}

func (s *Server) enter(ctx context.Context, c *gin.Context, gate *admission.Gate) bool {
	if err := gate.Enter(ctx); err != nil {
		write(c, errOverloaded.After(patience).Wrap(err))
		return false
	}
	return true
}

// ownGate is the gate of an operation with x-concurrency. As many may wait as may be inside.
func (s *Server) ownGate(op *mounted) *admission.Gate {
	if op == nil || op.Concurrency == 0 {
		return nil
	}
	gate := admission.New(admission.Config{Limit: op.Concurrency, Queue: op.Concurrency, QueueTimeout: s.cfg.Concurrency.QueueTimeout})
	s.gates[operationsGate+op.ID] = gate
	return gate
}

// forOperators tells whether only the operator's role holds a permission. Their requests have places of their own. Those
// that present no credentials wait with everybody else, and those whose credentials are no good are turned away by the
// few places that there are: nobody gets more of the replica by asking for what is not theirs.
func forOperators(op contract.Operation, declared map[perm.Permission]perm.Definition) bool {
	p := declared[op.Permission]
	return op.Access == contract.Permitted && len(p.Conditional) == 0 && len(p.Roles) == 1 && p.Roles[0] == authz.PlatformAdmin
}
