package audit

import (
	"context"
	"net/http"
	"time"

	"github.com/yourorg/platform/modules/audit/auditapi"
	"github.com/yourorg/platform/modules/audit/internal/api"
	"github.com/yourorg/platform/pkg/audit"
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
	out := &stream{w: w, control: http.NewResponseController(w), format: e.format}
	// The deadline of requests is for answers of a bounded size. This one ends when the client takes nothing any more.
	err := e.exporter.Export(context.WithoutCancel(e.ctx), e.format, out)
	if err != nil && out.begun {
		panic(http.ErrAbortHandler)
	}
	return err
}

// patience is how long a client may take for one write.
const patience = 30 * time.Second

// stream writes the headers before the first byte.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	format  audit.Format
	begun   bool
}

func (s *stream) Write(part []byte) (int, error) {
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
