package database

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/yourorg/platform/pkg/logger"
)

// statements measures what is sent to the database, and logs what takes too long. It is the collector of its metric.
type statements struct {
	*prometheus.HistogramVec
	limit atomic.Int64 // nanoseconds from which a statement is slow; 0 is never
	lines atomic.Int64 // logged in a second at most
	log   *zap.Logger

	mu      sync.Mutex
	since   time.Time // when the second of logged began
	logged  int64
	leftOut int // since the last line
}

func newStatements(cfg Config) *statements {
	s := &statements{
		log: zap.NewNop(),
		HistogramVec: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "platform_database_statement_duration_seconds",
			Help:    "How long statements took, with the reading of their rows.",
			Buckets: []float64{.0001, .0005, .001, .005, .025, .1, .5, 2.5, 10},
		}, []string{"pool", "verb"}),
	}
	s.set(cfg)
	return s
}

func (s *statements) set(cfg Config) {
	s.limit.Store(int64(cfg.SlowQuery))
	s.lines.Store(int64(cfg.SlowQueryLines))
}

// measured is one statement, or what else takes the time of a pool.
type measured struct {
	ctx    context.Context //nolint:containedctx // lives as long as the statement
	verb   verb
	query  string
	inTx   bool
	rows   int64 // -1 when it is not known
	start  time.Time
	first  time.Duration // until the answer began; 0 when it came at once
	failed bool
}

// slow logs what took too long: the shape of the statement, never its values. The error may quote them.
func (s *statements) slow(pool string, m *measured, took time.Duration) {
	leftOut, ok := s.mayLog(m.start.Add(took))
	if !ok {
		return
	}
	fields := append(make([]zap.Field, 0, 14), zap.String("pool", pool), zap.String("verb", verbs[m.verb]),
		zap.Float64("took_ms", float64(took.Microseconds())/1000), zap.Bool("in_transaction", m.inTx))
	if m.query != "" {
		fields = append(fields, zap.String("statement", shape(m.query)))
	}
	if m.rows >= 0 {
		fields = append(fields, zap.Int64("rows", m.rows))
	}
	if m.first > 0 {
		fields = append(fields, zap.Float64("first_row_ms", float64(m.first.Microseconds())/1000))
	}
	if m.failed {
		fields = append(fields, zap.Bool("failed", true))
	}
	if leftOut > 0 {
		fields = append(fields, zap.Int("left_out", leftOut))
	}
	s.log.Warn("slow statement", append(fields, logger.Scope(m.ctx)...)...)
}

// mayLog is true as often in a second as lines says. leftOut is how often it was false since.
func (s *statements) mayLog(now time.Time) (leftOut int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if age := now.Sub(s.since); age >= time.Second || age < 0 {
		s.since, s.logged = now, 0
	}
	if s.logged >= s.lines.Load() {
		s.leftOut++
		return 0, false
	}
	s.logged++
	leftOut, s.leftOut = s.leftOut, 0
	return leftOut, true
}

// verb is the first word of a statement, as far as it is known: the label of a metric.
type verb int

const (
	verbOther verb = iota
	verbSelect
	verbInsert
	verbUpdate
	verbDelete
	verbBegin
	verbCommit
	verbRollback
	verbWait
)

var verbs = [...]string{"other", "select", "insert", "update", "delete", "begin", "commit", "rollback", "wait"}

// verbOf reads a statement WITH … as a select: what it does is not worth the parsing.
func verbOf(query string) verb {
	query = strings.TrimLeft(query, " \t\r\n(")
	for v := verbSelect; v <= verbDelete; v++ {
		if len(query) >= 6 && strings.EqualFold(query[:6], verbs[v]) {
			return v
		}
	}
	if len(query) >= 5 && strings.EqualFold(query[:5], "WITH ") {
		return verbSelect
	}
	return verbOther
}

// meter measures the statements of one pool.
type meter struct {
	*statements
	pool   string
	system string // as OpenTelemetry names it
	by     [len(verbs)]prometheus.Observer
}

func (s *statements) of(pool string) *meter {
	m := &meter{statements: s, pool: pool, system: "sqlite"}
	if pool == mainPool {
		m.system = "postgresql"
	}
	for v, name := range verbs {
		m.by[v] = s.WithLabelValues(pool, name)
	}
	return m
}

// ended is called once for what was measured.
func (m *meter) ended(what *measured) {
	took := time.Since(what.start)
	m.by[what.verb].Observe(took.Seconds())
	m.trace(what, took)
	if limit := m.limit.Load(); limit > 0 && int64(took) >= limit {
		m.slow(m.pool, what, took)
	}
}
