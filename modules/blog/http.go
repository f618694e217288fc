package blog

import (
	"context"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/blog/blogapi"
	"github.com/yourorg/platform/modules/blog/internal/api"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/page"
	"github.com/yourorg/platform/pkg/web"
)

// handler translates between the contract and the blog. Who may call what is in the contract.
type handler struct {
	blog      *blog
	followers *followers
}

func newHandler(b *blog, f *followers) api.StrictServerInterface {
	return &handler{blog: b, followers: f}
}

func (h *handler) ListPosts(ctx context.Context, r api.ListPostsRequestObject) (api.ListPostsResponseObject, error) {
	f := filter{status: (*string)(r.Params.Status), author: r.Params.Author, words: r.Params.Q, limit: page.Size(r.Params.Limit) + 1}
	if r.Params.Cursor != nil {
		before, err := page.Decode(*r.Params.Cursor)
		if err != nil {
			return nil, err
		}
		f.before = &before
	}
	posts, err := h.blog.posts.list(ctx, f)
	if err != nil {
		return nil, err
	}
	posts, next := page.Cut(posts, f.limit-1, func(p Post) uuid.UUID { return p.ID })
	items := make([]api.PostSummary, len(posts))
	for i, p := range posts {
		items[i] = toSummary(p)
	}
	return api.ListPosts200JSONResponse{Items: items, NextCursor: next}, nil
}

func (h *handler) CreatePost(ctx context.Context, r api.CreatePostRequestObject) (api.CreatePostResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	p, err := h.blog.createPost(ctx, caller.UserID, r.Body.Title, value(r.Body.Content), value(r.Body.Slug))
	if err != nil {
		return nil, err
	}
	tag, location := web.ETag(p.Version), "/api/v1/blog/posts/"+p.ID.String()
	return api.CreatePost201JSONResponse{
		Body: toAPI(p), Headers: api.CreatePost201ResponseHeaders{ETag: &tag, Location: &location},
	}, nil
}

func (h *handler) GetPost(ctx context.Context, r api.GetPostRequestObject) (api.GetPostResponseObject, error) {
	p, err := h.blog.posts.byID(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	tag := web.ETag(p.Version)
	return api.GetPost200JSONResponse{Body: toAPI(p), Headers: api.GetPost200ResponseHeaders{ETag: &tag}}, nil
}

func (h *handler) UpdatePost(ctx context.Context, r api.UpdatePostRequestObject) (api.UpdatePostResponseObject, error) {
	if r.Params.IfMatch == nil {
		return nil, blogapi.ErrNoIfMatch
	}
	c := change{title: r.Body.Title, content: r.Body.Content, slug: r.Body.Slug}
	p, err := h.blog.updatePost(ctx, r.ID, web.IfMatch(r.Params.IfMatch), c)
	if err != nil {
		return nil, err
	}
	tag := web.ETag(p.Version)
	return api.UpdatePost200JSONResponse{Body: toAPI(p), Headers: api.UpdatePost200ResponseHeaders{ETag: &tag}}, nil
}

func (h *handler) DeletePost(ctx context.Context, r api.DeletePostRequestObject) (api.DeletePostResponseObject, error) {
	if err := h.blog.deletePost(ctx, r.ID, web.IfMatch(r.Params.IfMatch)); err != nil {
		return nil, err
	}
	return api.DeletePost204Response{}, nil
}

func (h *handler) PublishPost(ctx context.Context, r api.PublishPostRequestObject) (api.PublishPostResponseObject, error) {
	p, err := h.blog.publishPost(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	tag := web.ETag(p.Version)
	return api.PublishPost200JSONResponse{Body: toAPI(p), Headers: api.PublishPost200ResponseHeaders{ETag: &tag}}, nil
}

func (h *handler) GetFollowing(ctx context.Context, _ api.GetFollowingRequestObject) (api.GetFollowingResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	follows, err := h.followers.follows(ctx, caller.UserID)
	if err != nil {
		return nil, err
	}
	return api.GetFollowing200JSONResponse{Following: follows}, nil
}

func (h *handler) Follow(ctx context.Context, _ api.FollowRequestObject) (api.FollowResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	if err := h.followers.follow(ctx, caller.UserID); err != nil {
		return nil, err
	}
	return api.Follow204Response{}, nil
}

func (h *handler) Unfollow(ctx context.Context, _ api.UnfollowRequestObject) (api.UnfollowResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	if err := h.followers.unfollow(ctx, caller.UserID); err != nil {
		return nil, err
	}
	return api.Unfollow204Response{}, nil
}

func toAPI(p Post) api.Post {
	return api.Post{
		ID: p.ID, Title: p.Title, Slug: p.Slug, Content: p.Content, Status: api.PostStatus(p.Status), AuthorID: p.AuthorID,
		CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt, PublishedAt: p.PublishedAt,
	}
}

func toSummary(p Post) api.PostSummary {
	return api.PostSummary{
		ID: p.ID, Title: p.Title, Slug: p.Slug, Status: api.PostStatus(p.Status), AuthorID: p.AuthorID,
		CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt, PublishedAt: p.PublishedAt,
	}
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
