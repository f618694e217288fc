package identity_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/argon2"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/modules/identity"
)

// BenchmarkLogin compares sign-ins with what they must cost at least: one argon2id hash on each CPU.
func BenchmarkLogin(b *testing.B) {
	cost := identity.DefaultConfig().Password
	app := testapp.New(b, modules.All(), testapp.Options{Set: []string{
		fmt.Sprintf("identity.password.memory_kib=%d", cost.MemoryKiB), fmt.Sprintf("identity.password.iterations=%d", cost.Iterations),
		"ratelimit.public_per_minute=1000000", "auth.lockout.failures_per_ip=1000000",
	}})
	server := httptest.NewServer(app)
	defer server.Close()
	u := app.Register(b, "bench")
	b.Run("argon2id", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				argon2.IDKey([]byte(u.Password), []byte("0123456789abcdef"), uint32(cost.Iterations), uint32(cost.MemoryKiB), uint8(cost.Parallelism), 32)
			}
		})
	})
	body, err := json.Marshal(fields{"email": u.Email, "password": u.Password})
	require.NoError(b, err)
	b.Run("login", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				response, err := server.Client().Post(server.URL+"/api/v1/auth/login", "application/json", bytes.NewReader(body))
				if err != nil || response.StatusCode != http.StatusOK {
					b.Errorf("sign in: %v %v", response, err)
					return
				}
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
			}
		})
	})
}
