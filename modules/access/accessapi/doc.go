// Package accessapi is all that other modules may know about access: its permissions. Its errors are in pkg/authz, with
// the ports that answer them.
package accessapi
