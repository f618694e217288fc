// Package opsapi is all that other modules may know about the operations: their permissions.
package opsapi
