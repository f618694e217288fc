// Package blog lets a tenant's members write and publish posts. It is the sample feature, meant to be copied.
//
// A request arrives in http.go, is decided in blog.go, checked by post.go and kept by store.go. The routes are in
// openapi.yaml, the permissions in module.yaml, and what other modules may rely on is in blogapi.
//
// What follows from a request happens behind it. Publishing announces an event (announce in blog.go), subscribers.go makes
// jobs of it, jobs.go and digest.go do them, and templates/ is what followers are told. All of it commits with the post, or
// not at all.
package blog
