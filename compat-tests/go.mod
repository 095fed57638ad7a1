module github.com/gosocketio/socketio/compat-tests

go 1.26.0

require (
	github.com/gosocketio/socketio v0.0.0
	github.com/gosocketio/socketio/adapter/nats v0.0.0
	github.com/gosocketio/socketio/adapter/nats/embedded v0.0.0
	github.com/gosocketio/socketio/adapter/postgres v0.0.0
	github.com/gosocketio/socketio/adapter/redis v0.0.0
	github.com/gosocketio/socketio/cmd/socketio/api v0.0.0
	github.com/gosocketio/socketio/engineio/webtransport v0.0.0
	github.com/nats-io/nats-server/v2 v2.15.3
	github.com/pb33f/libopenapi v0.41.8
	github.com/pb33f/libopenapi-validator v0.16.3
	github.com/quic-go/quic-go v0.64.1
)

require (
	github.com/antithesishq/antithesis-sdk-go v0.9.0-default-no-op // indirect
	github.com/bahlo/generic-list-go v0.2.0 // indirect
	github.com/basgys/goxml2json v1.1.1-0.20231018121955-e66ee54ceaad // indirect
	github.com/buger/jsonparser v1.6.1 // indirect
	github.com/dunglas/httpsfv v1.1.1 // indirect
	github.com/go-json-experiment/json v1.27.2 // indirect
	github.com/go-openapi/jsonpointer v1.0.2 // indirect
	github.com/gobwas/httphead v0.1.0 // indirect
	github.com/gobwas/ws v1.5.0 // indirect
	github.com/google/go-tpm v0.9.8 // indirect
	github.com/gosocketio/socketio/adminui v0.0.0
	github.com/jackc/pgpassfile v1.0.0 // indirect
	github.com/jackc/pgservicefile v0.0.0-20240606120523-5a60cdf6a761 // indirect
	github.com/jackc/pgx/v5 v5.13.0 // indirect
	github.com/jackc/puddle/v2 v2.2.3 // indirect
	github.com/klauspost/compress v1.20.4 // indirect
	github.com/minio/highwayhash v1.0.4 // indirect
	github.com/nats-io/jwt/v2 v2.8.3 // indirect
	github.com/nats-io/nats.go v1.55.0 // indirect
	github.com/nats-io/nkeys v0.4.17 // indirect
	github.com/nats-io/nuid v1.0.1 // indirect
	github.com/pb33f/go-yaml v0.1.1 // indirect
	github.com/pb33f/jsonpath v0.8.5 // indirect
	github.com/pb33f/jsonschema/v6 v6.0.3 // indirect
	github.com/pb33f/ordered-map/v2 v2.3.2 // indirect
	github.com/quic-go/qpack v0.6.0 // indirect
	github.com/quic-go/webtransport-go v0.13.0 // indirect
	github.com/redis/rueidis v1.0.79 // indirect
	golang.org/x/crypto v0.59.0 // indirect
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/sync v0.25.0 // indirect
	golang.org/x/sys v0.50.0 // indirect
	golang.org/x/text v0.44.0 // indirect
	golang.org/x/time v0.16.0 // indirect
)

replace (
	github.com/gosocketio/socketio => ../
	github.com/gosocketio/socketio/adapter/nats => ../adapter/nats
	github.com/gosocketio/socketio/adapter/nats/embedded => ../adapter/nats/embedded
	github.com/gosocketio/socketio/adapter/postgres => ../adapter/postgres
	github.com/gosocketio/socketio/adapter/redis => ../adapter/redis
	github.com/gosocketio/socketio/cmd/socketio/api => ../cmd/socketio/api
	github.com/gosocketio/socketio/engineio/webtransport => ../engineio/webtransport
)

replace github.com/gosocketio/socketio/adminui => ../adminui
