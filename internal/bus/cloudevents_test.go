package bus_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/bus"
	"github.com/yourorg/platform/pkg/event"
)

func TestAnEventComesBackFromACloudEventAsItWas(t *testing.T) {
	t.Parallel()
	for _, e := range []*event.Envelope{
		{ID: uuid.New(), Topic: "tea.cup.poured", Version: 3, Time: time.Now().UTC().Truncate(time.Microsecond), Data: json.RawMessage(`{"a":"é"}`)},
		{
			ID: uuid.New(), Topic: "tea.cup.poured", Version: 1, Key: "k", Tenant: uuid.New(), Actor: uuid.New(), RequestID: "r",
			Trace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", Time: time.Now().UTC(), Data: json.RawMessage(`1`),
		},
	} {
		raw, err := bus.Encode(e)
		require.NoError(t, err)
		back, err := bus.Decode(raw)
		require.NoError(t, err)
		require.Equal(t, e, back)
		var attributes map[string]any
		require.NoError(t, json.Unmarshal(raw, &attributes))
		require.Equal(t, "1.0", attributes["specversion"])
		for name := range attributes {
			require.Regexp(t, "^[a-z0-9]+$", name, "CloudEvents allows nothing else")
		}
	}
}

func TestWhatIsNoEventOfOursIsRefused(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"nothing":          ``,
		"no JSON":          `{`,
		"another version":  `{"specversion":"0.3","id":"01900000-0000-7000-8000-000000000000","source":"/platform","type":"a.b.c","dataversion":1,"data":1}`,
		"no id":            `{"specversion":"1.0","source":"/platform","type":"a.b.c","dataversion":1,"data":1}`,
		"no topic":         `{"specversion":"1.0","id":"01900000-0000-7000-8000-000000000000","source":"/platform","dataversion":1,"data":1}`,
		"no data":          `{"specversion":"1.0","id":"01900000-0000-7000-8000-000000000000","source":"/platform","type":"a.b.c","dataversion":1}`,
		"somebody else's":  `{"specversion":"1.0","id":"01900000-0000-7000-8000-000000000000","source":"/shop","type":"a.b.c","dataversion":1,"data":1}`,
		"an id of another": `{"specversion":"1.0","id":"7","source":"/platform","type":"a.b.c","dataversion":1,"data":1}`,
	} {
		_, err := bus.Decode([]byte(raw))
		require.Error(t, err, name)
	}
}
