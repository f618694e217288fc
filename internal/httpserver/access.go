package httpserver

import (
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/yourorg/platform/internal/problemdoc"
	"github.com/yourorg/platform/internal/usage"
	"github.com/yourorg/platform/pkg/logger"
	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/tenant"
)

// traffic is what is measured of each request.
type traffic struct {
	total    *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
	abusive  prometheus.Counter
	saved    *prometheus.CounterVec

	connections prometheus.Gauge
	decisions
}

func newTraffic(registry prometheus.Registerer) (*traffic, error) {
	t := &traffic{
		total: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "platform_http_requests_total", Help: "Requests answered.",
		}, []string{"route", "method", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "platform_http_request_duration_seconds", Help: "From the headers to the answer.", Buckets: prometheus.DefBuckets,
		}, []string{"route", "method"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "platform_http_requests_in_flight", Help: "Requests being answered.",
		}),
		abusive: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "platform_http_abuse_refused_total", Help: "Requests refused because their address asks too fast.",
		}),
		saved: newSaved(), connections: newConnections(),
	}
	for _, c := range []prometheus.Collector{t.total, t.duration, t.inFlight, t.abusive, t.saved, t.connections} {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	var err error
	t.decisions, err = newDecisions(registry)
	return t, err
}

// observed logs and measures the request, also when it panics.
func (s *Server) observed(c *gin.Context) {
	start, body, client := time.Now(), measure(c.Request), c.Request.Context()
	s.traffic.inFlight.Inc()
	panicked := true
	defer func() {
		fault := recover()
		s.traffic.inFlight.Dec()
		status, size, phase := answerOf(c).outcome()
		cutOff := panicked && phase == sent
		switch {
		case cutOff && (fault != http.ErrAbortHandler || client.Err() == nil):
			// The client saw another status and no end. What counts is that it was not served: alerts, and what tenants see of
			// their failures, go by the status. A client that hung up itself is no failure, unless the handler panicked.
			status = http.StatusInternalServerError
		case phase == lapsed: // and the client was told without it
			status, size = http.StatusServiceUnavailable, 0
			if _, known := c.Get(problemKey); !known {
				c.Set(problemKey, errTimeout)
			}
		case panicked && phase == open:
			status, size = http.StatusInternalServerError, 0 // what recovered is about to answer
		case status == 0:
			status = c.Writer.Status()
		}
		took := time.Since(start)
		s.observe(c, status, size, took, cutOff)
		s.meter(c, usage.Answer{Status: status, In: body.read(), Out: int64(size), Took: took}, start)
		if fault != nil {
			panic(fault)
		}
	}()
	c.Next()
	panicked = false
}

func (s *Server) observe(c *gin.Context, status, size int, took time.Duration, cutOff bool) {
	// Labels come from the contract and a fixed list, never from the request: their number is bounded.
	route, method := c.FullPath(), methodOf(c)
	if route == "" {
		route = c.GetString(siteKey)
	}
	if route == "" {
		route = "unmatched"
	}
	s.traffic.total.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	duration := s.traffic.duration.WithLabelValues(route, method)
	if s.tracer == nil {
		duration.Observe(took.Seconds())
	} else {
		traced(c, status, size)
		observeIn(c.Request.Context(), duration, took)
	}

	ctx := c.Request.Context()
	if id, ok := tenant.FromContext(ctx); ok {
		s.busiest.Count(id, time.Now())
	}

	if c.GetBool(unloggedKey) {
		return
	}
	level := zapcore.InfoLevel
	v, _ := c.Get(operationKey)
	if op, _ := v.(*mounted); status >= 500 && !op.probe() { // a replica that is not ready says so as often as it is asked
		level = zapcore.ErrorLevel
	}
	v, failed := c.Get(problemKey)
	kept, rate := true, 1.0
	if cfg := s.sampled.Load(); !failed && !cutOff && status < 400 && took < cfg.Slow {
		kept, rate = cfg.keeps(logger.FromContext(ctx)), cfg.Sample
	}
	line := s.log.Check(level, "request")
	if line == nil || !kept {
		return
	}
	fields := append(make([]zap.Field, 0, 16),
		zap.String("method", c.Request.Method), zap.String("route", route), zap.String("path", problemdoc.Cut(c.Request.URL.Path)),
		zap.Int("status", status), zap.Int("bytes", size), zap.Float64("took_ms", float64(took.Microseconds())/1000))
	if r := logger.FromContext(ctx); r != nil {
		fields = append(fields, zap.String("ip", r.IP))
	}
	fields = append(fields, logger.Scope(ctx)...)
	if rate < 1 {
		fields = append(fields, zap.Float64("sample", rate))
	}
	if cutOff {
		fields = append(fields, zap.Bool("cut_off", true))
	}
	if failed {
		p := v.(*problem.Problem)
		fields = append(fields, zap.String("code", p.Code))
		if status >= 500 {
			fields = append(fields, zap.Error(p))
		}
	}
	line.Write(fields...)
}

var knownMethods = map[string]bool{
	http.MethodGet: true, http.MethodHead: true, http.MethodPost: true, http.MethodPut: true, http.MethodPatch: true,
	http.MethodDelete: true, http.MethodOptions: true,
}
