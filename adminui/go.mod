module github.com/gosocketio/socketio/adminui

go 1.26.0

replace github.com/gosocketio/socketio => ..

require (
	github.com/google/go-cmp v0.7.0
	github.com/gosocketio/socketio v0.0.0
	golang.org/x/crypto v0.59.0
	golang.org/x/time v0.16.0
)

require (
	github.com/go-json-experiment/json v1.27.2 // indirect
	github.com/gobwas/httphead v0.1.0 // indirect
	github.com/gobwas/ws v1.5.0 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
)
