# syntax=docker/dockerfile:1
#
# The images are pinned by tag. To pin them by content too, append the digest that the registry names today:
#   docker buildx imagetools inspect golang:1.26-bookworm --format '{{.Manifest.Digest}}'
#   FROM golang:1.26-bookworm@sha256:…
# and let a bot renew it, or the fixes of the base image never arrive.

FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
WORKDIR /src

# The modules change less often than the code.
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod \
    go mod download

COPY . .
ARG TARGETOS TARGETARCH
ARG VERSION=dev COMMIT=unknown BUILT=unknown
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    GOOS=$TARGETOS GOARCH=$TARGETARCH make build VERSION="$VERSION" COMMIT="$COMMIT" BUILT="$BUILT" \
    && mkdir /data

FROM gcr.io/distroless/static-debian13:nonroot
ARG VERSION=dev COMMIT=unknown BUILT=unknown
LABEL org.opencontainers.image.title="platform" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$COMMIT" \
      org.opencontainers.image.created="$BUILT"

COPY --from=build /src/bin/platform /src/bin/platformctl /

# The folder is made elsewhere because this image has no shell; the volume inherits its owner.
COPY --from=build --chown=65532:65532 /data /data
WORKDIR /data
VOLUME /data

# Production refuses to start without PLATFORM_SECURITY_ENCRYPTION_KEY and the bootstrap administrator. The default
# database is an SQLite file below /data.
ENV PLATFORM_ENVIRONMENT=production \
    PLATFORM_HTTP_ADDR=:8080 \
    PLATFORM_HTTP_MANAGEMENT_ADDR=:8081
# 8081 has the metrics, for Prometheus on the same network: do not publish it.
EXPOSE 8080
USER 65532:65532

# It asks the management listener, which "work" has too.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --start-interval=1s --retries=3 CMD ["/platform", "health"]
ENTRYPOINT ["/platform"]
CMD ["all"]
