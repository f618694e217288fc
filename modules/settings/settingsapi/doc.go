// Package settingsapi is what other modules may know about the settings: the permission to change those of a tenant.
package settingsapi
