// Package notificationsapi is all that other modules may know about notifications as people see them: the permissions.
package notificationsapi
