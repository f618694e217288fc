package audit

import (
	"context"
	"net/http"
	"time"

	"github.com/yourorg/platform/modules/audit/auditapi"
	"github.com/yourorg/platform/modules/audit/internal/api"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/web"
)

// ExportAuditEvents records the export before it begins, so that the export holds its own record.
func (h *handler) ExportAuditEvents(ctx context.Context, r api.ExportAuditEventsRequestObject) (api.ExportAuditEventsResponseObject, error) {
	out := export{ctx: ctx, exporter: h.exporter, format: audit.NDJSON}
	if r.Params.Format != nil {
		out.format = audit.Format(*r.Params.Format)
	}
	err := h.recorder.Record(ctx, audit.Entry{Action: string(auditapi.PermEventExport), Target: "format:" + string(out.format)})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// export is a response of any size, written while it is read.
type export struct {
	ctx      context.Context
	exporter audit.Exporter
	format   audit.Format
}

// VisitExportAuditEventsResponse answers with a problem as long as nothing is written, and cuts the connection when
// something goes wrong later: the client must not take a part for the whole.
func (e export) VisitExportAuditEventsResponse(w http.ResponseWriter) error {
	// The deadline of requests is for answers of a bounded size. This one ends when the client takes nothing any more, when
	// it has taken too long in all, and when the server stops, which would have to cut it off otherwise.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(e.ctx), longest)
	defer cancel()
	go func() {
		select {
		case <-web.GoingAway(ctx):
			cancel()
		case <-ctx.Done():
		}
	}()
	out := &stream{ctx: ctx, w: w, control: http.NewResponseController(w), format: e.format}
	err := e.exporter.Export(ctx, e.format, out)
	if err != nil && (out.begun || ctx.Err() != nil) {
		panic(http.ErrAbortHandler)
	}
	return err
}

const (
	patience = 10 * time.Second // for one write: a server that stops waits for it
	longest  = time.Hour        // for all of them
)

// stream writes the headers before the first byte.
type stream struct {
	ctx     context.Context
	w       http.ResponseWriter
	control *http.ResponseController
	format  audit.Format
	begun   bool
}

func (s *stream) Write(part []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	if !s.begun {
		s.begun = true
		media := map[audit.Format]string{audit.NDJSON: "application/x-ndjson", audit.CSV: "text/csv"}
		s.w.Header().Set("Content-Type", media[s.format])
		s.w.Header().Set("Content-Disposition", `attachment; filename="audit.`+string(s.format)+`"`)
		s.w.WriteHeader(http.StatusOK)
	}
	_ = s.control.SetWriteDeadline(time.Now().Add(patience)) // what is no connection has no deadline
	return s.w.Write(part)
}
