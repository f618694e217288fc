package terms

import (
	"context"

	"github.com/yourorg/platform/pkg/terms"
)

var _ terms.Reader = (*Book)(nil)

// Mine implements terms.Reader.
func (b *Book) Mine(ctx context.Context) (plan string, g terms.Grant, err error) {
	t, err := b.here(ctx)
	if err != nil {
		return "", terms.Grant{}, err
	}
	return t.Plan, t.grant(), nil
}
