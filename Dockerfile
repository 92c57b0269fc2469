# syntax=docker/dockerfile:1
# Builds everything from source; the machine needs neither Rust nor Node.js:
#   docker build --target grafana -t ktrdr-diagnosis-grafana .       Grafana with both plugins in it
#   docker build --target simulation -t ktrdr-diagnosis-simulation . the command line tool alone, 15 MB
#   docker build --target dist --output dist .                       the plugin folders, for your own Grafana
#   docker build --target release --output release .                 the archives
ARG RUST_VERSION=1.95
ARG NODE_VERSION=22
ARG GRAFANA_VERSION=12.3.0

FROM node:${NODE_VERSION}-bookworm-slim AS node

FROM rust:${RUST_VERSION}-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends zip && rm -rf /var/lib/apt/lists/*
COPY --from=node /usr/local/bin/node /usr/local/bin/
COPY --from=node /usr/local/lib/node_modules /usr/local/lib/node_modules
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
WORKDIR /src
COPY . .
# The build context does not contain .git.
ARG COMMIT=unknown
ENV KTRDR_DIAGNOSIS_COMMIT=${COMMIT} npm_config_cache=/var/cache/npm
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target/static \
    --mount=type=cache,target=/var/cache/npm \
    scripts/dist.sh && cp target/executables/*/ktrdr-diagnose /ktrdr-diagnose

FROM scratch AS dist
COPY --from=build /src/dist/ /

FROM scratch AS release
COPY --from=build /src/release/ /

FROM scratch AS simulation
COPY --from=build /ktrdr-diagnose /ktrdr-diagnose
USER 65534:65534
ENTRYPOINT ["/ktrdr-diagnose"]

FROM grafana/grafana:${GRAFANA_VERSION} AS grafana
# Not below /var/lib/grafana, where a volume would hide them. Grafana's user may write here to install other plugins.
COPY --from=build --chown=472:0 /src/dist/ /opt/grafana-plugins/
ENV GF_PATHS_PLUGINS=/opt/grafana-plugins
ENV GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS=ktrdr-diagnosis-datasource,ktrdr-diagnosis-panel
