package tenant

import (
	"sync"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/tenant"
)

// maxSlugs bounds the memory. Names that are no tenant's are remembered too, so that asking for them over and over does
// not reach the database.
const maxSlugs = 10_000

// slugs remembers which tenant a slug names; the zero id means none.
type slugs struct {
	mu         sync.RWMutex
	ids        map[string]tenant.ID
	generation uint64 // counts what was forgotten
}

// get also returns the generation with which the answer to a look-up that begins now may be kept.
func (s *slugs) get(slug string) (id tenant.ID, known bool, generation uint64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	id, known = s.ids[slug]
	return id, known, s.generation
}

// put keeps the answer unless something was forgotten since generation was read: it might be the old one.
func (s *slugs) put(slug string, id tenant.ID, generation uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.generation != generation {
		return
	}
	if s.ids == nil {
		s.ids = map[string]uuid.UUID{}
	}
	if _, known := s.ids[slug]; !known && len(s.ids) >= maxSlugs {
		for some := range s.ids {
			delete(s.ids, some)
			break
		}
	}
	s.ids[slug] = id
}

// forget handles what was announced. The empty slug means all of them.
func (s *slugs) forget(slug string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.generation++
	if slug == "" {
		clear(s.ids)
		return
	}
	delete(s.ids, slug)
}
