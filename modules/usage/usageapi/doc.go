// Package usageapi is what other modules may know about the usage: the permission to see that of a tenant.
package usageapi
