package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/yourorg/platform/internal/activation"
	"github.com/yourorg/platform/internal/cli"
	"github.com/yourorg/platform/internal/httpserver"
)

func health() *cobra.Command {
	return &cobra.Command{
		Use: "health", Short: "Ask the running platform whether it is ready; exits 1 when it is not", Args: cobra.NoArgs,
		Example: "  platform health\n  platform health --set http.addr=:9000",
		RunE: cli.Run(func(cmd *cobra.Command, _ []string) error {
			loaded, err := cli.Load(cmd)
			if err != nil {
				return err
			}
			cfg := httpserver.DefaultConfig()
			if err := loaded.Config.Unmarshal("http", &cfg); err != nil {
				return err
			}
			addr, secure := cfg.Addr, cfg.TLS.On()
			if cfg.ManagementAddr != "" { // which a process that only works has too
				addr, secure = cfg.ManagementAddr, false
			}
			if _, ok := activation.Asked(addr); ok {
				return fmt.Errorf("%s is opened by systemd: say where it is, as in --set http.addr=:8080", addr)
			}
			body, err := ask(cmd.Context(), addr, secure)
			if err != nil {
				return err
			}
			cmd.Println(body)
			return nil
		}),
	}
}

// ask reads /ready of the platform that listens at addr on this machine.
func ask(ctx context.Context, addr string, secure bool) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	scheme, client := "http", http.DefaultClient
	if secure { // the certificate is for the name that others know this machine by
		scheme = "https"
		client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+net.JoinHostPort(host, port)+"/ready", nil)
	if err != nil {
		return "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return "", fmt.Errorf("the platform does not answer: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("not ready (%s): %s", response.Status, strings.TrimSpace(string(body)))
	}
	return strings.TrimSpace(string(body)), nil
}
