# The service as an image: Node, the packages it runs on, its sources. It runs as a user without rights and writes nothing but /tmp.
# The tag names one Node of the newest line with long-term support, which the tests ran on too (scripts/proof nodes), but a tag can be moved: for a build that cannot change, give its digest
# as your registry says it (docker buildx imagetools inspect): --build-arg NODE=node:24.22.3-bookworm-slim@sha256:...
ARG NODE=node:24.22.3-bookworm-slim

FROM ${NODE} AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# No package needs its own script to run, so none may.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM ${NODE}
# A container has a loopback of its own, where nobody could reach the service; on any other address it insists on a key source.
ENV NODE_ENV=production LISTEN=0.0.0.0:8080
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY package.json tsconfig.json ./
COPY engine-api engine-api
COPY src src
# No sandbox's user (SANDBOX_UIDS) and no lab's: the kernel's limits of a user are then the service's alone.
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.LISTEN.split(':').at(-1)}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# This Node takes the types off by itself; Node 20 needs tsx for it (npm start).
CMD ["node", "src/server.ts"]
