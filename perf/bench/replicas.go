package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

const (
	defaultPostgres = "postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable"
	roleChanges     = 21
)

// replicas measures how long a change on one of two processes takes to count on the other. Without a Postgres the row
// says so.
func replicas(ctx context.Context, dir, binary string) (row, error) {
	r := row{what: "role change, seen on a second process", limit: "< 1 s", peer: "Postgres"}
	dsn := os.Getenv("PLATFORM_TEST_POSTGRES_DSN")
	if dsn == "" {
		dsn = defaultPostgres
	}
	admin, err := sql.Open("pgx", dsn)
	if err != nil {
		return r, err
	}
	defer func() { _ = admin.Close() }()
	if admin.PingContext(ctx) != nil {
		r.value = "not measured: no Postgres answers"
		return r, nil
	}
	name := "platform_bench_" + strings.ToLower(rand.Text())
	if _, err := admin.ExecContext(ctx, `CREATE DATABASE "`+name+`"`); err != nil {
		return r, err
	}
	defer func() { _, _ = admin.ExecContext(context.WithoutCancel(ctx), `DROP DATABASE "`+name+`" WITH (FORCE)`) }()
	at, err := url.Parse(dsn)
	if err != nil {
		return r, err
	}
	at.Path = "/" + name
	var pair [2]*process
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	mail := filepath.Join(dir, "mail")
	for i := range pair {
		pair[i], err = launch(ctx, dir, binary,
			"PLATFORM_DATABASE_URL="+at.String(), "PLATFORM_NOTIFY_DIR="+mail, "PLATFORM_IDENTITY_MAIL_INTERVAL=0s",
			"PLATFORM_SECURITY_ENCRYPTION_KEY="+base64.StdEncoding.EncodeToString(key))
		if err != nil {
			return r, err
		}
		defer pair[i].stop()
	}
	took, err := roleChange(ctx, pair[0].url(), pair[1].url(), mail)
	if err != nil {
		return r, err
	}
	r.value = fmt.Sprintf("median %d ms, at most %d ms", took[len(took)/2].Milliseconds(), took[len(took)-1].Milliseconds())
	return r, nil
}

// roleChange gives a member a permission on one process and takes it away again, and waits for the other to notice.
func roleChange(ctx context.Context, here, there, mail string) ([]time.Duration, error) {
	c := &caller{ctx: ctx}
	owner, member := c.signUp(here, "owner"), c.signUp(here, "member")
	var role struct{ ID string }
	c.send(http.StatusCreated, "POST", here+"/api/v1/roles", owner.token, map[string]any{"name": "reader", "permissions": []string{}}, &role)
	c.send(http.StatusCreated, "POST", here+"/api/v1/invitations", owner.token, map[string]any{"email": member.email, "roles": []string{"reader"}}, nil)
	c.send(http.StatusOK, "POST", here+"/api/v1/invitations/accept", member.token, map[string]any{"token": c.mailed(mail, member.email)}, nil)
	var moved struct {
		Token string `json:"access_token"`
	}
	c.send(http.StatusOK, "POST", here+"/api/v1/auth/switch", member.token, map[string]any{"tenant": owner.tenant}, &moved)
	var took []time.Duration
	for n := range roleChanges {
		permissions, want := []string{"blog.post.read"}, http.StatusOK
		if n%2 == 1 {
			permissions, want = []string{}, http.StatusForbidden
		}
		c.send(http.StatusOK, "PATCH", here+"/api/v1/roles/"+role.ID, owner.token, map[string]any{"permissions": permissions}, nil)
		for began := time.Now(); c.err == nil; {
			if c.status("GET", there+"/api/v1/blog/posts", moved.Token, nil, nil) == want {
				took = append(took, time.Since(began))
				break
			}
			if time.Since(began) > 10*time.Second {
				return nil, errors.New("a role change was not seen within 10 s")
			}
		}
	}
	slices.Sort(took)
	return took, c.err
}

// caller sends requests until one fails.
type caller struct {
	ctx context.Context
	err error
}

type person struct{ email, token, tenant string }

func (c *caller) signUp(at, name string) person {
	p := person{email: name + "@example.com"}
	var made struct{ Tenant struct{ ID string } }
	var signed struct {
		Token string `json:"access_token"`
	}
	password := "a long enough password"
	c.send(http.StatusCreated, "POST", at+"/api/v1/auth/register", "", map[string]any{
		"email": p.email, "password": password, "name": name, "tenant_name": name,
	}, &made)
	c.send(http.StatusOK, "POST", at+"/api/v1/auth/login", "", map[string]any{"email": p.email, "password": password}, &signed)
	p.tenant, p.token = made.Tenant.ID, signed.Token
	return p
}

// mailed waits for an invitation among the files of the mail channel.
func (c *caller) mailed(dir, to string) string {
	token := regexp.MustCompile(`accept-invitation#token=([A-Za-z0-9_-]+)`)
	for began := time.Now(); time.Since(began) < 10*time.Second; time.Sleep(10 * time.Millisecond) {
		files, _ := filepath.Glob(filepath.Join(dir, "*.eml"))
		for _, file := range files {
			content, err := os.ReadFile(file)
			if found := token.FindSubmatch(content); err == nil && found != nil && bytes.Contains(content, []byte(to)) {
				return string(found[1])
			}
		}
	}
	c.err = errors.Join(c.err, errors.New("no invitation was mailed"))
	return ""
}

func (c *caller) send(want int, method, address, token string, body, into any) {
	if c.err != nil {
		return
	}
	if got := c.status(method, address, token, body, into); c.err == nil && got != want {
		c.err = fmt.Errorf("%s %s answered %d, not %d", method, address, got, want)
	}
}

func (c *caller) status(method, address, token string, body, into any) int {
	var content io.Reader = http.NoBody
	if body != nil {
		encoded, _ := json.Marshal(body) // maps of strings always encode
		content = bytes.NewReader(encoded)
	}
	r, err := http.NewRequestWithContext(c.ctx, method, address, content)
	if err != nil {
		c.err = err
		return 0
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		c.err = err
		return 0
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err == nil && into != nil && response.StatusCode < 300 {
		err = json.Unmarshal(answer, into)
	}
	c.err = errors.Join(c.err, err)
	return response.StatusCode
}
