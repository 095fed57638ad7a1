# Image of `socketio serve`: one static program and the client's files, without a shell, not as root.

FROM golang:1.26.8-alpine AS program
WORKDIR /src
COPY . .
RUN cd cmd/socketio && CGO_ENABLED=0 GOWORK=off go build -trimpath -ldflags="-s -w" -o /socketio .

FROM node:22.12.0-alpine AS client
WORKDIR /client
COPY client-js/package.json client-js/package-lock.json ./
RUN npm ci --no-audit --no-fund

FROM scratch
COPY --from=program /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=client /client/node_modules/socket.io-client /client
COPY --from=program /socketio /socketio
USER 65532:65532
EXPOSE 3001
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 CMD ["/socketio", "health"]
ENTRYPOINT ["/socketio"]
CMD ["serve", "-addr", ":3001", "-client", "/client"]
