module github.com/gosocketio/socketio/cmd/socketio

go 1.26.0

require (
	github.com/MicahParks/jwkset v0.11.4
	github.com/MicahParks/keyfunc/v3 v3.9.2
	github.com/alecthomas/kong v1.17.0
	github.com/gobwas/ws v1.5.0
	github.com/golang-jwt/jwt/v5 v5.3.1
	github.com/gosocketio/socketio v0.0.0
	github.com/gosocketio/socketio/adapter/nats v0.0.0
	github.com/gosocketio/socketio/adapter/nats/embedded v0.0.0
	github.com/gosocketio/socketio/adapter/postgres v0.0.0
	github.com/gosocketio/socketio/adapter/redis v0.0.0
	github.com/gosocketio/socketio/adminui v0.0.0
	github.com/gosocketio/socketio/cmd/socketio/api v0.0.0
	github.com/gosocketio/socketio/observe/prometheus v0.0.0
	github.com/nats-io/nats-server/v2 v2.15.3
	github.com/prometheus/client_golang v1.25.0
	github.com/standard-webhooks/standard-webhooks/libraries v0.0.1
	go.yaml.in/yaml/v4 v4.0.0
	golang.org/x/crypto v0.59.0
	golang.org/x/time v0.16.0
)

require (
	github.com/antithesishq/antithesis-sdk-go v0.9.0-default-no-op // indirect
	github.com/beorn7/perks v1.0.1 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/go-json-experiment/json v1.27.2 // indirect
	github.com/gobwas/httphead v0.1.0 // indirect
	github.com/google/go-tpm v0.9.8 // indirect
	github.com/jackc/pgpassfile v1.0.0 // indirect
	github.com/jackc/pgservicefile v0.0.0-20240606120523-5a60cdf6a761 // indirect
	github.com/jackc/pgx/v5 v5.13.0 // indirect
	github.com/jackc/puddle/v2 v2.2.3 // indirect
	github.com/klauspost/compress v1.20.4 // indirect
	github.com/minio/highwayhash v1.0.4 // indirect
	github.com/munnerz/goautoneg v0.0.0-20191010083416-a7dc8b61c822 // indirect
	github.com/nats-io/jwt/v2 v2.8.3 // indirect
	github.com/nats-io/nats.go v1.55.0 // indirect
	github.com/nats-io/nkeys v0.4.17 // indirect
	github.com/nats-io/nuid v1.0.1 // indirect
	github.com/prometheus/client_model v0.6.3 // indirect
	github.com/prometheus/common v0.72.0 // indirect
	github.com/prometheus/procfs v0.22.0 // indirect
	github.com/redis/rueidis v1.0.79 // indirect
	golang.org/x/sync v0.25.0 // indirect
	golang.org/x/sys v0.50.0 // indirect
	golang.org/x/text v0.44.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)

replace (
	github.com/gosocketio/socketio => ../../
	github.com/gosocketio/socketio/adapter/nats => ../../adapter/nats
	github.com/gosocketio/socketio/adapter/nats/embedded => ../../adapter/nats/embedded
	github.com/gosocketio/socketio/adapter/postgres => ../../adapter/postgres
	github.com/gosocketio/socketio/adapter/redis => ../../adapter/redis
	github.com/gosocketio/socketio/adminui => ../../adminui
	github.com/gosocketio/socketio/cmd/socketio/api => ./api
	github.com/gosocketio/socketio/observe/prometheus => ../../observe/prometheus
)
