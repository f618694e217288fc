// Package blogapi is all that other modules may know about the blog: its permissions and its errors.
package blogapi

import "github.com/yourorg/platform/pkg/problem"

// What the blog answers.
var (
	ErrPostNotFound = problem.New(problem.NotFound, "blog.post_not_found", "Post not found")
	ErrPostInvalid  = problem.New(problem.Invalid, "blog.post_invalid", "The post is not acceptable")
	ErrSlugTaken    = problem.New(problem.Conflict, "blog.slug_taken", "Another post has this slug")
	ErrPostChanged  = problem.New(problem.PreconditionFailed, "blog.post_changed", "The post was changed in the meantime")
	ErrNoIfMatch    = problem.New(problem.PreconditionRequired, "blog.if_match_required", "Send the ETag of the post in If-Match")
)
