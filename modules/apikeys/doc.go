// Package apikeys keeps the API keys of tenants and of their members, and issues tokens for them.
package apikeys
