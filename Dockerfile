# The image of the api and the control worker. Host workers are installed on their hosts, whose pools and libvirt they use:
# docs/production.md.
ARG NODE_VERSION=24
FROM node:${NODE_VERSION}-bookworm-slim AS build
WORKDIR /opt/bypass
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build && npm prune --omit=dev --omit=optional

# Temporal's native part needs glibc, so no Alpine.
FROM node:${NODE_VERSION}-bookworm-slim
WORKDIR /opt/bypass
COPY --from=build /opt/bypass/package.json ./
COPY --from=build /opt/bypass/node_modules ./node_modules
COPY --from=build /opt/bypass/bin ./bin
COPY --from=build /opt/bypass/deploy/ready.js ./deploy/ready.js
COPY --from=build /opt/bypass/dist ./dist
# A volume that is new takes over who owns the folder below it.
RUN install --directory --owner=node --group=node --mode=0700 /etc/bypass
USER node
ENV NODE_ENV=production
ENTRYPOINT ["node", "--enable-source-maps", "bin/bypass.js"]
CMD ["--help"]
