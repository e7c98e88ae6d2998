# One image for every program: what runs is said by the command, for example `dist/services/scheduler/src/main.js`.
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

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY --from=build /app/services/cli/bin services/cli/bin
COPY examples examples
# A named volume that is mounted here belongs to the user of the image.
RUN mkdir /data && chown node:node /data
USER node
EXPOSE 2746 2747 9090
ENTRYPOINT ["node"]
CMD ["dist/services/server/src/main.js"]
