package identity

import (
	"context"
	"fmt"

	"github.com/yourorg/platform/pkg/tenant"
)

// wished is the tenant that somebody signs in to: the one that they say, or else the one whose address they use. A token
// for another one would be refused there.
func wished(ctx context.Context, said *string) (string, error) {
	if said != nil {
		return *said, nil
	}
	id, named, err := tenant.Named(ctx)
	if err != nil {
		return "", fmt.Errorf("find the tenant of the address: %w", err)
	}
	if !named {
		return "", nil
	}
	return id.String(), nil // the zero id is nobody's: whoever signs in is no member
}
