// Package auditapi is all that other modules may know about the audit routes: their permissions.
package auditapi
