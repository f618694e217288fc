package httpserver

import "github.com/yourorg/platform/internal/cors"

// Set makes what may change while the server runs count from the next request on: the limits of the guard and of the gates, the
// CORS policy, what is compressed and which requests are logged. The rest of cfg is left alone.
func (s *Server) Set(cfg Config) {
	s.cors.Store(cors.New(cfg.CORS))
	s.sampled.Store(&cfg.AccessLog)
	s.compression.Store(&cfg.Compression)
	s.gates[everyonesGate].Set(cfg.Concurrency)
	s.gates[operatorsGate].Set(cfg.Concurrency.Reserved())
	if s.guard != nil {
		s.guard.Set(cfg.AbuseGuard)
	}
}
