package testapp

import (
	"compress/gzip"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	collect "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Collector takes spans over OTLP/HTTP, as a collector of OpenTelemetry does.
type Collector struct {
	URL string

	mu    sync.Mutex
	spans []Span
	heads []http.Header
	raw   []byte
}

// Span is one that has come. Its ids are in hex, and its attributes are texts.
type Span struct {
	Trace, ID, Parent string
	Name              string
	Kind              string // "SERVER", "CLIENT", "PRODUCER", "CONSUMER", "INTERNAL"
	Failed            bool
	Attributes        map[string]string
	Resource          map[string]string
}

// NewCollector starts one for the test.
func NewCollector(t testing.TB) *Collector {
	t.Helper()
	c := &Collector{}
	server := httptest.NewServer(http.HandlerFunc(c.take))
	t.Cleanup(server.Close)
	c.URL = server.URL
	return c
}

// Settings are those of a platform that sends its spans here, soon.
func (c *Collector) Settings() []string {
	return []string{"tracing.enabled=true", "tracing.endpoint=" + c.URL, "tracing.batch_interval=10ms"}
}

func (c *Collector) take(w http.ResponseWriter, r *http.Request) {
	var sent collect.ExportTraceServiceRequest
	raw, err := unzip(r)
	if err == nil {
		err = proto.Unmarshal(raw, &sent)
	}
	if err != nil || r.URL.Path != "/v1/traces" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heads, c.raw = append(c.heads, r.Header), append(c.raw, raw...)
	for _, from := range sent.GetResourceSpans() {
		for _, scope := range from.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				c.spans = append(c.spans, Span{
					Trace: hex.EncodeToString(s.GetTraceId()), ID: hex.EncodeToString(s.GetSpanId()), Parent: hex.EncodeToString(s.GetParentSpanId()),
					Name: s.GetName(), Kind: s.GetKind().String()[len("SPAN_KIND_"):], Failed: s.GetStatus().GetCode() == trace.Status_STATUS_CODE_ERROR,
					Attributes: texts(s.GetAttributes()), Resource: texts(from.GetResource().GetAttributes()),
				})
			}
		}
	}
}

func unzip(r *http.Request) ([]byte, error) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		zipped, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, err
		}
		body = zipped
	}
	return io.ReadAll(body)
}

func texts(all []*common.KeyValue) map[string]string {
	found := map[string]string{}
	for _, a := range all {
		switch v := a.GetValue().GetValue().(type) {
		case *common.AnyValue_StringValue:
			found[a.GetKey()] = v.StringValue
		case *common.AnyValue_IntValue:
			found[a.GetKey()] = strconv.FormatInt(v.IntValue, 10)
		default:
			found[a.GetKey()] = a.GetValue().String()
		}
	}
	return found
}

// Spans are those that have come, in the order in which they ended.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Span{}, c.spans...)
}

// Headers are those of each request.
func (c *Collector) Headers() []http.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]http.Header{}, c.heads...)
}

// Raw is everything that has come, as it was encoded.
func (c *Collector) Raw() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.raw)
}

// Span waits for the one of that name in a trace.
func (c *Collector) Span(t testing.TB, inTrace, name string) (found Span) {
	t.Helper()
	require.Eventually(t, func() bool {
		for _, s := range c.Spans() {
			if s.Trace == inTrace && s.Name == name {
				found = s
				return true
			}
		}
		return false
	}, patience, 5*time.Millisecond, "no span %q in the trace %s", name, inTrace)
	return found
}
