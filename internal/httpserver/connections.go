package httpserver

import (
	"net"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/net/netutil"
)

// What a connection of HTTP/2 may have of the server. A stream takes a place like any other request, so these bound what
// lies in front of the gates.
const (
	maxStreamsOfConnection = 100
	maxFrame               = 64 << 10 // bytes
	maxUnreadOfConnection  = 1 << 20  // bytes that clients have sent and handlers have not read
	maxUnreadOfStream      = 256 << 10
)

func newConnections() prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "platform_http_connections", Help: "Connections of clients that are open, idle ones included.",
	})
}

// speak chooses the protocols and their limits. The write timeout of HTTP/2 ends a stream; the connection of a client that
// reads nothing at all has to be ended too.
func (s *Server) speak(server *http.Server) {
	server.Protocols = new(http.Protocols)
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(true)
	server.Protocols.SetUnencryptedHTTP2(s.cfg.H2C)
	server.HTTP2 = &http.HTTP2Config{
		MaxConcurrentStreams: maxStreamsOfConnection, MaxReadFrameSize: maxFrame,
		MaxReceiveBufferPerConnection: maxUnreadOfConnection, MaxReceiveBufferPerStream: maxUnreadOfStream,
		SendPingTimeout: s.cfg.IdleTimeout, WriteByteTimeout: s.cfg.WriteTimeout,
	}
	server.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			s.traffic.connections.Inc()
		case http.StateClosed, http.StateHijacked:
			s.traffic.connections.Dec()
		}
	}
}

// bounded lets the connections beyond the limit wait in the system's queue until others end.
func (s *Server) bounded(ln net.Listener) net.Listener {
	if s.cfg.MaxConnections == 0 {
		return ln
	}
	return netutil.LimitListener(ln, s.cfg.MaxConnections)
}
