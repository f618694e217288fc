package httpserver

import "github.com/yourorg/platform/internal/cors"

// Set makes what may change while the server runs count from the next request on: the limits of the guard and of the gates, and
// the CORS policy. The rest of cfg is left alone.
func (s *Server) Set(cfg Config) {
	s.cors.Store(cors.New(cfg.CORS))
	s.gates[everyonesGate].Set(cfg.Concurrency)
	s.gates[operatorsGate].Set(cfg.Concurrency.Reserved())
	if s.guard != nil {
		s.guard.Set(cfg.AbuseGuard)
	}
}
