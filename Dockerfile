# The Node that the tests run on: a devDependency of package.json names it, and a test compares the two.
ARG NODE_VERSION=24.21.0

# Compiles on the machine's own platform; JavaScript is the same on all.
FROM --platform=$BUILDPLATFORM node:${NODE_VERSION}-slim AS build
WORKDIR /source
COPY package.json package-lock.json ./
# No install scripts: the one that is there would fetch the Node that this image already has.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src src
COPY scripts/build.ts scripts/
RUN npm run build

# The example's data, for docker-compose.yml; no part of the image.
FROM build AS example
COPY scripts/flights-data.ts scripts/
RUN node --eval "import('/source/scripts/flights-data.ts').then((script) => script.layOutFlights('/example'))"
CMD ["cp", "-R", "/example/.", "/flights"]

# The native codecs differ by platform: installed on the platform of the image.
FROM node:${NODE_VERSION}-slim AS dependencies
WORKDIR /opt/colonnade
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:${NODE_VERSION}-slim AS runtime
LABEL org.opencontainers.image.title="colonnade" \
      org.opencontainers.image.description="Schema migrations for Parquet datasets in object storage" \
      org.opencontainers.image.licenses="Apache-2.0"
# HOME: a user without an entry in /etc/passwd has none, and the S3 client looks for its profile there.
# MALLOC_*, GLIBC_TUNABLES: as src/cli/main.ts has them, where a second start is spared.
ENV NODE_ENV=production HOME=/tmp MALLOC_MMAP_THRESHOLD_=2097152 MALLOC_TRIM_THRESHOLD_=8388608 \
    GLIBC_TUNABLES=glibc.malloc.hugetlb=1
WORKDIR /opt/colonnade
COPY --from=dependencies /opt/colonnade ./
COPY --from=build /source/dist dist
COPY schemas/formats schemas/formats
COPY LICENSE ./
RUN chmod 755 dist/bin/colonnade.js && ln -s /opt/colonnade/dist/bin/colonnade.js /usr/local/bin/colonnade
# Numeric, so that Kubernetes can tell that it is not root.
USER 65532:65532
# Exec form: colonnade itself is process 1 and hears SIGTERM.
ENTRYPOINT ["colonnade"]
CMD ["--help"]
