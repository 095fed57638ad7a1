module github.com/gosocketio/socketio/adapter/redis

go 1.26.0

require (
	github.com/google/go-cmp v0.7.0
	github.com/gosocketio/socketio v0.0.0
	github.com/redis/rueidis v1.0.79
)

require (
	github.com/go-json-experiment/json v1.27.2 // indirect
	golang.org/x/sys v0.47.0 // indirect
)

replace github.com/gosocketio/socketio => ../..
