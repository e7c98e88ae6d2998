# Images of the programs; what runs is said by the command, for example `dist/services/scheduler/src/main.js`.
#   docker build --tag argosy .                              the services: Node and our code, nothing else
#   docker build --target host --tag argosy-host .           pod-managers that run pods themselves: Docker, sandbox
#   docker build --target executor --tag argosy-executor .   beside the containers of a pod on Kubernetes
# NODE_OPTIONS: short-lived memory is given back before it has grown to 100 MB; the services are as fast with it, and a quarter smaller.
FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY scripts scripts
COPY libs libs
COPY services services
RUN npm run build
# The optional packages are Node for npm scripts and Postgres for the embedded stack; no service needs them.
RUN npm prune --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund
RUN node scripts/image-root.mjs /image
COPY examples examples
RUN mkdir /image/app && mv package.json node_modules dist examples /image/app/ \
    && mkdir -p /image/app/services/cli && mv services/cli/bin /image/app/services/cli/bin
RUN mv services/executor/pod /pod

# Where transfers run beside the pods: artifacts of git need its program, the sandbox needs a Debian to stand on.
FROM node:24-slim AS host
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates git openssh-client \
    && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production NODE_OPTIONS=--max-semi-space-size=16
WORKDIR /app
COPY --from=build /image/app /app
COPY --from=build --chown=node:node /image/data /data
USER node
EXPOSE 2747 9090
ENTRYPOINT ["node"]
CMD ["dist/services/pod-manager/src/main.js"]

# Stages and captures beside the user's containers, as any user; as root where the pod says nothing, since what it reads belongs to whoever the
# user's container is.
FROM node:24-slim AS executor
RUN apt-get update && apt-get install --yes --no-install-recommends busybox-static ca-certificates git openssh-client \
    && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /image/app /app
COPY --from=build /pod /app/pod
RUN cp /bin/busybox /app/pod/busybox && chmod 755 /app/pod/*
CMD ["node", "dist/services/executor/src/main.js"]

FROM scratch AS services
ENV NODE_ENV=production NODE_OPTIONS=--max-semi-space-size=16 PATH=/usr/local/bin
WORKDIR /app
COPY --from=build /image /
USER 1000:1000
EXPOSE 2746 9090
ENTRYPOINT ["/usr/local/bin/node"]
CMD ["dist/services/server/src/main.js"]
