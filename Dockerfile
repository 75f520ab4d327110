# directory-server and directoryctl in one image.
#
#     docker build -t directory-sync .
#     docker run -p 8080:8080 -v directory-sync:/var/lib/directory-sync directory-sync
#     docker exec CONTAINER directoryctl doctor
#
# Without further settings the database is SQLite in the volume, and its key is made beside it. With PostgreSQL, set
# DIRECTORY_DATABASE_URL and DIRECTORY_ENCRYPTION_KEYS; then nothing is kept in the container.

FROM rust:1.95-bookworm AS manifests
WORKDIR /build
COPY . .
RUN sh deploy/manifests.sh /manifests

FROM rust:1.95-bookworm AS build
WORKDIR /build
# The dependencies alone: this layer is made anew only when a manifest or the lock file changes.
COPY --from=manifests /manifests .
RUN cargo build --release --locked -p directory-server -p directoryctl
COPY . .
# Older than what was built from the stand-ins, the sources would be taken for built.
RUN find bins crates -name '*.rs' -exec touch {} + \
    && cargo build --release --locked -p directory-server -p directoryctl

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -m 0700 -o 10001 -g 10001 /var/lib/directory-sync
COPY --from=build /build/target/release/directory-server /build/target/release/directoryctl /usr/local/bin/
USER 10001:10001
WORKDIR /var/lib/directory-sync
VOLUME /var/lib/directory-sync
ENV DIRECTORY_LISTEN=0.0.0.0:8080 \
    DIRECTORY_DATABASE_URL=sqlite:///var/lib/directory-sync/directory.db \
    DIRECTORY_LOG_FORMAT=json
EXPOSE 8080
# The server gives running work back within 10 seconds of it; leave it 20 (`docker stop --time 20`).
STOPSIGNAL SIGTERM
# The image has no HTTP client, but a shell that opens connections.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /readyz HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && read -r line <&3 && [[ $line == *' 200 '* ]]"]
CMD ["directory-server"]
