package httpserver_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zaptest/observer"

	"github.com/yourorg/platform/internal/testapp"
)

// A proxy and a server that read one connection differently let a client put a request in front of somebody else's. So
// what is ambiguous is refused, and its connection with it; or it is read in the one way that RFC 9112 leaves.

// hidden is a request that must never be one.
const hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"

const posted = "POST /api/v1/probe/open HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"

const chunked = posted + "Transfer-Encoding: chunked\r\n\r\n"

const got = "GET /version HTTP/1.1\r\nHost: a\r\n"

// conversation sends bytes and returns the statuses that come back until the connection ends. Unless the client hangs up
// it has to be the server that ends it.
func conversation(t *testing.T, app *testapp.App, raw string, hangUp bool) (statuses []int) {
	t.Helper()
	conn := dialed(t, app)
	_, _ = conn.Write([]byte(raw)) // the server may have refused the beginning
	if hangUp {
		require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	}
	answers := bufio.NewReader(conn)
	for {
		response, err := http.ReadResponse(answers, nil)
		if err != nil {
			require.False(t, errors.Is(err, os.ErrDeadlineExceeded), "the connection is still there")
			return statuses
		}
		statuses = append(statuses, response.StatusCode)
		_, err = io.Copy(io.Discard, response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
	}
}

func seen(app *testapp.App, path string) bool {
	return slices.ContainsFunc(app.Log.FilterMessage("request").All(), func(line observer.LoggedEntry) bool { return line.ContextMap()["path"] == path })
}

func TestWhatIsAmbiguousIsRefused(t *testing.T) {
	t.Parallel()
	app := probed(t, nil)
	for name, raw := range map[string]string{
		"two lengths":                          posted + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}" + hidden,
		"two lengths in a line":                posted + "Content-Length: 2, 2\r\n\r\n{}" + hidden,
		"chunks and two lengths":               posted + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n2\r\n{}\r\n0\r\n\r\n" + hidden,
		"a negative length":                    posted + "Content-Length: -1\r\n\r\n" + hidden,
		"a length with a sign":                 posted + "Content-Length: +2\r\n\r\n{}" + hidden,
		"a hexadecimal length":                 posted + "Content-Length: 0x2\r\n\r\n{}" + hidden,
		"a length with a space":                posted + "Content-Length: 2 2\r\n\r\n{}" + hidden,
		"a length with an underscore":          posted + "Content-Length: 1_0\r\n\r\n{}" + hidden,
		"an empty length":                      posted + "Content-Length: \r\n\r\n" + hidden,
		"a length beyond 64 bits":              posted + "Content-Length: 18446744073709551618\r\n\r\n{}" + hidden,
		"a length with a space before colon":   posted + "Content-Length : 2\r\n\r\n{}" + hidden,
		"a coding with a space before colon":   posted + "Content-Length: 5\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + hidden,
		"a coding with a tab before colon":     posted + "Content-Length: 5\r\nTransfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n" + hidden,
		"a coding that is unknown":             posted + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + hidden,
		"a coding before another":              posted + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + hidden,
		"a coding behind chunked":              posted + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + hidden,
		"a coding in quotes":                   posted + "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n" + hidden,
		"a coding with a parameter":            posted + "Transfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n" + hidden,
		"a coding behind a vertical tab":       posted + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + hidden,
		"a coding in letters that fold":        posted + "Transfer-Encoding: chun\u212aed\r\n\r\n0\r\n\r\n" + hidden,
		"two codings":                          posted + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
		"two codings, one unknown":             posted + "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n" + hidden,
		"an empty coding":                      posted + "Transfer-Encoding:\r\n\r\n" + hidden,
		"a first header that is folded":        "GET /version HTTP/1.1\r\n Host: a\r\n\r\n" + hidden,
		"a header without a colon":             got + "Content-Length\r\n\r\n" + hidden,
		"a header without a name":              got + ": 5\r\n\r\n" + hidden,
		"a name with a space":                  got + "X A: b\r\n\r\n" + hidden,
		"a name with a NUL":                    got + "X\x00A: b\r\n\r\n" + hidden,
		"a value with a NUL":                   got + "X-A: b\x00c\r\n\r\n" + hidden,
		"a value with a lone CR":               got + "X-A: b\rContent-Length: 5\r\n\r\n" + hidden,
		"two hosts":                            got + "Host: b\r\n\r\n" + hidden,
		"no host":                              "GET /version HTTP/1.1\r\n\r\n" + hidden,
		"a host that is a path":                "GET /version HTTP/1.1\r\nHost: a/b\r\n\r\n" + hidden,
		"a host with a space":                  "GET /version HTTP/1.1\r\nHost: a b\r\n\r\n" + hidden,
		"a request line with a fourth part":    "GET /version HTTP/1.1 x\r\nHost: a\r\n\r\n" + hidden,
		"a request line with a tab":            "GET\t/version\tHTTP/1.1\r\nHost: a\r\n\r\n" + hidden,
		"a request line with a NUL":            "GET /ver\x00sion HTTP/1.1\r\nHost: a\r\n\r\n" + hidden,
		"a target that is no path":             "GET version HTTP/1.1\r\nHost: a\r\n\r\n" + hidden,
		"a version without a number":           "GET /version HTTP/x\r\nHost: a\r\n\r\n" + hidden,
		"a version with two digits":            "GET /version HTTP/1.11\r\nHost: a\r\n\r\n" + hidden,
		"a version that does not exist":        "GET /version HTTP/3.0\r\nHost: a\r\n\r\n" + hidden,
		"no version":                           "GET /version\r\nHost: a\r\n\r\n" + hidden,
		"the start of TLS":                     "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n" + hidden,
		"an expectation of something else":     posted + "Expect: x\r\nContent-Length: 33\r\n\r\n" + hidden,
		"an empty line in front":               "\r\n" + posted + "Content-Length: 2\r\n\r\n{}" + hidden,
		"a chunk of a negative size":           chunked + "-2\r\n{}\r\n0\r\n\r\n" + hidden,
		"a chunk with a sign":                  chunked + "+2\r\n{}\r\n0\r\n\r\n" + hidden,
		"a chunk with 0x":                      chunked + "0x2\r\n{}\r\n0\r\n\r\n" + hidden,
		"a chunk with a space in front":        chunked + " 2\r\n{}\r\n0\r\n\r\n" + hidden,
		"a chunk of more than 64 bits":         chunked + "10000000000000002\r\n{}\r\n0\r\n\r\n" + hidden,
		"a chunk without a size":               chunked + "\r\n{}\r\n0\r\n\r\n" + hidden,
		"a chunk longer than its size":         chunked + "2\r\n{} \r\n0\r\n\r\n" + hidden,
		"a chunk that ends without CR LF":      chunked + "2\r\n{}0\r\n\r\n" + hidden,
		"a chunk whose size ends in LF":        chunked + "2\n{}\r\n0\r\n\r\n" + hidden,
		"a chunk with LF in an extension":      chunked + "2;a=\nb\r\n{}\r\n0\r\n\r\n" + hidden,
		"a chunk with CR in an extension":      chunked + "2;a=\rb\r\n{}\r\n0\r\n\r\n" + hidden,
		"a chunk that ends in LF":              chunked + "2\r\n{}\n0\r\n\r\n" + hidden,
		"a chunk with an extension of 64 KiB":  chunked + "2;" + strings.Repeat("a", 64<<10) + "\r\n{}\r\n0\r\n\r\n" + hidden,
		"many chunks that are all extension":   chunked + strings.Repeat("1;"+strings.Repeat("a", 2000)+"\r\n \r\n", 500) + "0\r\n\r\n" + hidden,
		"a length above what a body may have":  posted + "Content-Length: 9223372036854775807\r\n\r\n{}" + hidden,
		"a chunk above what a body may have":   chunked + "7fffffffffffffff\r\n{}",
		"chunks of HTTP/1.0":                   strings.Replace(chunked, "HTTP/1.1", "HTTP/1.0", 1) + "2\r\n{}\r\n0\r\n\r\n" + hidden,
		"HTTP/2 on a connection of HTTP/1":     "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + hidden,
		"a CONNECT, as to a proxy":             "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nConnection: close\r\n\r\n" + hidden,
		"a GET with a length and no such body": got + "Content-Length: 5\r\nContent-Length: 0\r\n\r\n" + hidden,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hangUp := name == "a chunk above what a body may have" // or the server would wait for it until its deadline
			statuses := conversation(t, app, raw, hangUp)
			require.LessOrEqual(t, len(statuses), 1, "%v", statuses)
			for _, status := range statuses {
				require.GreaterOrEqual(t, status, 400)
				require.NotEqual(t, http.StatusInternalServerError, status)
			}
			t.Log(statuses)
		})
	}
	t.Cleanup(func() { require.False(t, seen(app, "/hidden")) })
}

// Behind chunks the connection ends, whatever follows.
func TestWhatCanBeReadInOneWayIsOneRequest(t *testing.T) {
	t.Parallel()
	app := probed(t, nil)
	body := posted + "Content-Length: 2\r\n"
	for name, tt := range map[string]struct {
		raw  string
		want []int
	}{
		"as it should be":                        {body + "\r\n{}" + got + "\r\n", []int{204, 200}},
		"a length twice, and the same":           {body + "Content-Length: 2\r\n\r\n{}" + got + "\r\n", []int{204, 200}},
		"a length with zeros in front":           {posted + "Content-Length: 0002\r\n\r\n{}" + got + "\r\n", []int{204, 200}},
		"lines that end in LF":                   {strings.ReplaceAll(body+"\r\n{}"+got+"\r\n", "\r\n", "\n"), []int{204, 200}},
		"chunks":                                 {chunked + "1\r\n{\r\n1\r\n}\r\n0\r\n\r\n" + hidden, []int{204}},
		"chunks, in capitals":                    {posted + "TRANSFER-ENCODING: CHUNKED\r\n\r\n2\r\n{}\r\n0\r\n\r\n" + hidden, []int{204}},
		"chunks with extensions":                 {chunked + "2;a=b;c=\"d\"\r\n{}\r\n0;e\r\n\r\n" + hidden, []int{204}},
		"chunks with zeros in front":             {chunked + "0002\r\n{}\r\n0000\r\n\r\n" + hidden, []int{204}},
		"trailers that would be headers":         {chunked + "2\r\n{}\r\n0\r\nX-A: b\r\nAuthorization: Bearer x\r\n\r\n" + hidden, []int{204}},
		"a trailer with a space in its name":     {chunked + "2\r\n{}\r\n0\r\nX A: b\r\n\r\n" + hidden, []int{204}},
		"a length and chunks":                    {posted + "Content-Length: 12\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" + hidden, []int{204}},
		"chunks and a length":                    {posted + "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n" + hidden, []int{204}},
		"a header that is folded":                {got + "X-A: b\r\n Transfer-Encoding: chunked\r\n\r\n", []int{200}},
		"a request within a body":                {posted + "Content-Length: 33\r\n\r\n" + hidden + got + "\r\n", []int{400, 200}},
		"a request within a body of nothing":     {"POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 33\r\n\r\n" + hidden + got + "\r\n", []int{404, 200}},
		"a request within the body of a GET":     {got + "Content-Length: 33\r\n\r\n" + hidden + got + "\r\n", []int{422, 200}},
		"a request within the chunks of a GET":   {got + "Transfer-Encoding: chunked\r\n\r\n21\r\n" + hidden + "\r\n0\r\n\r\n" + hidden, []int{422}},
		"an address that names another host":     {"GET http://b/version HTTP/1.1\r\nHost: a\r\n\r\n" + got + "\r\n", []int{200, 200}},
		"an upgrade that nobody wants":           {got + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + got + "\r\n", []int{200, 200}},
		"a length that is said to be hop by hop": {posted + "Connection: Content-Length\r\nContent-Length: 33\r\n\r\n" + hidden + got + "\r\n", []int{400, 200}},
		"an HTTP/1.0 that ends":                  {"GET /version HTTP/1.0\r\nContent-Length: 0\r\n\r\n" + hidden, []int{200}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, conversation(t, app, tt.raw, true))
		})
	}
	t.Cleanup(func() { require.False(t, seen(app, "/hidden")) })
}
