# Image of `socketio serve`: one static program, without a shell, not as root.
#
#   docker build --build-arg COMMIT=$(git rev-parse HEAD) .

FROM golang:1.26.8-alpine AS program
WORKDIR /src
COPY . .
ARG COMMIT
RUN cd cmd/socketio && CGO_ENABLED=0 GOWORK=off go build -trimpath -ldflags="-s -w -X main.commit=$COMMIT" -o /socketio .

FROM scratch
COPY --from=program /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=program /socketio /socketio
USER 65532:65532
ENV SOCKETIO_ADDR=:3001
EXPOSE 3001
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 CMD ["/socketio", "health"]
ENTRYPOINT ["/socketio"]
CMD ["serve"]
