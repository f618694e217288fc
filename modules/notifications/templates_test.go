package notifications_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/pkg/notify"
)

func TestATenantSaysItItsOwnWay(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	other := r.Register(t, "other")
	path := templates + "/sample.news/en"
	put := func(status int, path string, body fields) testapp.Answer {
		return r.Want(t, status, testapp.Call{Method: "PUT", Path: path, Token: r.owner.Token, Body: body})
	}
	body := fields{"subject": "Acme: {{.title}}", "text": "Acme says {{.title}}.", "html": "<p>{{.title}}</p>"}
	answer := put(http.StatusOK, path, body)
	require.Contains(t, string(answer.Body), `"custom":true`)

	r.tell(t, r.owner, "news", "Spring")
	require.Equal(t, "Acme: Spring", r.Mail(t, r.owner.Email, "sample.news").Subject)
	r.tell(t, other, "news", "Spring")
	require.Equal(t, "News: Spring", r.Mail(t, other.Email, "sample.news").Subject, "that is another tenant")

	var list struct {
		Items []struct {
			Name        string
			Replaceable bool
			Custom      []string
			Locales     []string
		}
	}
	r.Want(t, http.StatusOK, testapp.Call{Path: templates, Token: r.owner.Token}).JSON(t, &list)
	found := map[string]bool{}
	for _, i := range list.Items {
		found[i.Name] = i.Replaceable
		if i.Name == "sample.news" {
			require.Equal(t, []string{"en"}, i.Custom)
			require.Equal(t, []string{"en", "zh"}, i.Locales)
		}
	}
	require.Subset(t, found, map[string]bool{"sample.news": true, "sample.alarm": false, "identity.reset_password": false, "identity.password_changed": true})

	for name, test := range map[string]struct {
		change fields
		says   string
	}{
		"a field that is not there":    {fields{"text": "{{.titel}}"}, "the data has no .titel"},
		"a function":                   {fields{"subject": `{{printf "%s" .title}}`}, "printf"},
		"a loop without an end":        {fields{"html": "{{range 100000000}}{{end}}"}, "a number is only there to compare with"},
		"no template":                  {fields{"text": "{{.title"}, "unclosed action"},
		"a subject of two lines":       {fields{"subject": "a\nBcc: eve@example.com"}, "one line"},
		"a short text that is nothing": {fields{"short": "{{.nothing}}"}, "the data has no .nothing"},
	} {
		bad := fields{"subject": "x", "text": "x"}
		for k, v := range test.change {
			bad[k] = v
		}
		answer := put(http.StatusUnprocessableEntity, path, bad)
		require.Equal(t, "notify.template_invalid", answer.Code(t), name)
		require.Contains(t, string(answer.Body), test.says, name)
	}
	require.Equal(t, "notify.template_fixed", put(http.StatusConflict, templates+"/sample.alarm/en", fields{"subject": "x", "text": "x"}).Code(t))
	put(http.StatusNotFound, templates+"/sample.nothing/en", body)
	put(http.StatusNotFound, templates+"/sample.news/e%20n", body)

	preview := func(status int, data any) testapp.Answer {
		request := fields{}
		if data != nil {
			request["data"] = data
		}
		return r.Want(t, status, testapp.Call{Method: "POST", Path: path + "/preview", Token: r.owner.Token, Body: request})
	}
	require.Contains(t, string(preview(http.StatusOK, nil).Body), `"subject":"Acme: Spring"`)
	require.Contains(t, string(preview(http.StatusOK, fields{"title": "<b>"}).Body), `"text":"Acme says \u003cb\u003e."`)
	preview(http.StatusUnprocessableEntity, fields{"nothing": 1})

	r.Want(t, http.StatusNoContent, testapp.Call{Method: "DELETE", Path: path, Token: r.owner.Token})
	r.Want(t, http.StatusNoContent, testapp.Call{Method: "DELETE", Path: path, Token: r.owner.Token})
	r.Want(t, http.StatusNotFound, testapp.Call{Method: "DELETE", Path: templates + "/sample.nothing/en", Token: r.owner.Token})
	require.Contains(t, string(r.Want(t, http.StatusOK, testapp.Call{Path: path, Token: r.owner.Token}).Body), `"custom":false`)
}

func TestATemplateThatFailsLaterLosesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Want(t, http.StatusOK, testapp.Call{Method: "PUT", Path: templates + "/sample.news/en", Token: r.owner.Token, Body: fields{
		"subject": `{{if eq .title "Spring"}}fine{{else}}{{.season}}{{end}}`, "text": "x",
	}})
	require.Equal(t, notify.Delivered, r.state(t, r.tell(t, r.owner, "news", "Summer")).State)
	require.Equal(t, "News: Summer", r.Mail(t, r.owner.Email, "sample.news").Subject, "the built-in template says it")
	require.NotEmpty(t, r.Log.FilterMessageSnippet("a tenant's template does not work").All())
}

func TestAnotherLanguageIsNotReplacedAlong(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Want(t, http.StatusOK, testapp.Call{Method: "PATCH", Path: "/api/v1/settings", Token: r.owner.Token, Body: fields{"scope": "user", "values": fields{"identity.locale": "zh-CN"}}})
	r.Want(t, http.StatusOK, testapp.Call{Method: "PUT", Path: templates + "/sample.news/en", Token: r.owner.Token, Body: fields{"subject": "Acme", "text": "x"}})
	r.tell(t, r.owner, "news", "Spring")
	require.Equal(t, "消息：Spring", r.Mail(t, r.owner.Email, "sample.news").Subject)
	r.Want(t, http.StatusOK, testapp.Call{Method: "PUT", Path: templates + "/sample.news/zh-CN", Token: r.owner.Token, Body: fields{"subject": "顶点", "text": "x"}})
	r.tell(t, r.owner, "news", "Spring")
	require.Equal(t, "顶点", r.Mail(t, r.owner.Email, "sample.news").Subject)
}
