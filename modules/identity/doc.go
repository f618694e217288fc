// Package identity knows who people are: users, their tenants and memberships, their sessions, and how they sign in.
//
// A request arrives in http.go. The use cases are in register.go, login.go, refresh.go and session.go, the rules in
// user.go, tenant.go and password.go. What can be done with tenants, members and invitations is in tenants.go, members.go,
// invitations.go, accept.go and switch.go. What happens to an account between its
// registration and its erasure is in verify.go, reset.go, email_change.go, deletion.go, erasure.go and export.go; what
// people are told, in letters.go and mailer.go. The store_*.go files keep the rows. What others may rely on is in
// identityapi and in the ports of pkg/auth that this module implements.
package identity
