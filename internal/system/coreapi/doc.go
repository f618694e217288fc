// Package coreapi names the permissions that the platform itself declares.
package coreapi
