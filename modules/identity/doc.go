// Package identity knows who people are: users, their tenants and memberships, their sessions, and how they sign in.
//
// A request arrives in http.go. The use cases are in register.go, login.go, refresh.go and session.go, the rules in
// user.go, tenant.go and password.go, and the store_*.go files keep the rows. What others may rely on is in
// identityapi and in the ports of pkg/auth that this module implements.
package identity
