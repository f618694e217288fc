package audit

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/modules/audit/auditapi"
	"github.com/yourorg/platform/modules/audit/internal/api"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/page"
	"github.com/yourorg/platform/pkg/perm"
)

// trail answers with its events, as many as were asked for, and keeps the question.
type trail struct {
	events []audit.Event
	err    error
	asked  audit.Filter
}

func (tr *trail) Events(_ context.Context, f audit.Filter) ([]audit.Event, error) {
	tr.asked = f
	return tr.events[:min(len(tr.events), f.Limit)], tr.err
}

// list calls the operation and returns the response as it is written.
func list(t *testing.T, tr *trail, params api.ListAuditEventsParams) map[string]any {
	t.Helper()
	response, err := newHandler(tr, nil, nil).ListAuditEvents(t.Context(), api.ListAuditEventsRequestObject{Params: params})
	require.NoError(t, err)
	w := httptest.NewRecorder()
	require.NoError(t, response.VisitListAuditEventsResponse(w))
	require.Equal(t, http.StatusOK, w.Code)
	var body map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
	return body
}

func TestAnEventShowsWhoDidWhat(t *testing.T) {
	t.Parallel()
	id, actor := uuid.Must(uuid.NewV7()), uuid.New()
	body := list(t, &trail{events: []audit.Event{{
		ID: id, Time: time.Date(2026, 3, 4, 5, 6, 7, 8000, time.UTC), Actor: actor, Permission: "blog.post.delete",
		Target: "blog.post:1", Outcome: audit.Denied, IP: "192.0.2.7", RequestID: "req-1", Reason: "kept to ourselves",
		Changes: []audit.Change{{Entity: "blog.post", ID: "1", Action: audit.Deleted, Fields: map[string]audit.Field{
			"title": {Before: json.RawMessage(`"T"`), After: json.RawMessage("null"), Shortened: true},
		}}},
	}}}, api.ListAuditEventsParams{})
	require.Equal(t, map[string]any{
		"items": []any{map[string]any{
			"id": id.String(), "time": "2026-03-04T05:06:07.000008Z", "actor": actor.String(), "permission": "blog.post.delete",
			"target": "blog.post:1", "outcome": "denied", "ip": "192.0.2.7", "request_id": "req-1",
			"changes": []any{map[string]any{"entity": "blog.post", "id": "1", "action": "deleted", "fields": map[string]any{
				"title": map[string]any{"before": "T", "after": nil, "shortened": true},
			}}},
		}},
		"next_cursor": nil,
	}, body)
}

func TestAnEventOfNobodyHasNoActor(t *testing.T) {
	t.Parallel()
	body := list(t, &trail{events: []audit.Event{{ID: uuid.Must(uuid.NewV7()), Outcome: audit.Failed}}}, api.ListAuditEventsParams{})
	event := body["items"].([]any)[0].(map[string]any)
	require.Contains(t, event, "actor")
	require.Nil(t, event["actor"])
}

func TestAnEmptyTrailIsAnEmptyList(t *testing.T) {
	t.Parallel()
	body := list(t, &trail{}, api.ListAuditEventsParams{})
	require.Equal(t, map[string]any{"items": []any{}, "next_cursor": nil}, body)
}

func TestEveryParameterReachesTheTrail(t *testing.T) {
	t.Parallel()
	actor, before := uuid.New(), uuid.Must(uuid.NewV7())
	from, to := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC)
	tr := &trail{}
	list(t, tr, api.ListAuditEventsParams{
		Limit: new(7), Cursor: new(page.Encode(before)), Actor: &actor, Permission: new("blog.post.read"),
		Target: new("blog.post:1"), Outcome: new(api.OutcomeFailed), From: &from, To: &to, RequestID: new("req-1"),
	})
	require.Equal(t, audit.Filter{
		Actor: actor, Permission: "blog.post.read", Target: "blog.post:1", Outcome: audit.Failed,
		From: from, To: to, RequestID: "req-1", Before: before, Limit: 8,
	}, tr.asked)
}

func TestAPageEndsWithTheCursorOfItsLastEvent(t *testing.T) {
	t.Parallel()
	tr := &trail{}
	for range 3 {
		tr.events = append(tr.events, audit.Event{ID: uuid.Must(uuid.NewV7())})
	}
	body := list(t, tr, api.ListAuditEventsParams{Limit: new(2)})
	require.Len(t, body["items"], 2)
	require.Equal(t, page.Encode(tr.events[1].ID), body["next_cursor"])

	body = list(t, tr, api.ListAuditEventsParams{Limit: new(3)})
	require.Len(t, body["items"], 3)
	require.Nil(t, body["next_cursor"])
}

func TestABrokenCursorIsMalformed(t *testing.T) {
	t.Parallel()
	_, err := newHandler(&trail{}, nil, nil).ListAuditEvents(t.Context(),
		api.ListAuditEventsRequestObject{Params: api.ListAuditEventsParams{Cursor: new("next")}})
	require.ErrorIs(t, err, page.ErrCursor)
}

func TestAFailingTrailFailsTheRequest(t *testing.T) {
	t.Parallel()
	_, err := newHandler(&trail{err: context.DeadlineExceeded}, nil, nil).ListAuditEvents(t.Context(), api.ListAuditEventsRequestObject{})
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestTheManifestDeclaresThePermission(t *testing.T) {
	t.Parallel()
	m, err := module.ParseManifest(Module{}.Manifest())
	require.NoError(t, err)
	require.Equal(t, Module{}.Name(), m.Name)
	require.Equal(t, "platform", m.Kind)
	require.Equal(t, []perm.Definition{{
		Name: auditapi.PermEventRead, Description: "Read the audit trail.", Roles: []string{"owner", "admin", "platform_admin"},
	}, {
		Name: auditapi.PermEventExport, Description: "Export the audit trail.", Roles: []string{"owner", "admin", "platform_admin"},
	}}, m.Permissions)
}
