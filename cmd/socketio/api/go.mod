module github.com/gosocketio/socketio/cmd/socketio/api

go 1.26.0

require github.com/gosocketio/socketio v0.0.0

require (
	github.com/go-json-experiment/json v1.27.2 // indirect
	github.com/gobwas/httphead v0.1.0 // indirect
	github.com/gobwas/ws v1.5.0 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	golang.org/x/time v0.16.0 // indirect
)

replace github.com/gosocketio/socketio => ../../..
