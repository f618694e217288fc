package compression

import "strings"

// Compressible tells whether content of a type gets smaller. Pictures, sound, archives and most fonts have been compressed
// when they were made. An event stream is none of it: each event would be flushed for a few bytes less, and its encoder
// would live for hours.
func Compressible(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.ToLower(strings.TrimSpace(media))
	kind, sub, _ := strings.Cut(media, "/")
	switch kind {
	case "text":
		return sub != "event-stream"
	case "application", "image", "model":
		return compressible[media] || strings.HasSuffix(sub, "+json") || strings.HasSuffix(sub, "+xml") || strings.HasSuffix(sub, "+yaml")
	}
	return compressible[media]
}

var compressible = map[string]bool{
	"application/graphql": true, "application/javascript": true, "application/json": true, "application/jsonl": true, "application/rtf": true,
	"application/toml": true, "application/wasm": true, "application/x-javascript": true, "application/x-ndjson": true, "application/x-yaml": true,
	"application/xml": true, "application/yaml": true, "font/otf": true, "font/ttf": true, "image/bmp": true, "image/svg+xml": true,
	"image/vnd.microsoft.icon": true, "image/x-icon": true,
}
