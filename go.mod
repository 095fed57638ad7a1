module github.com/gosocketio/socketio

go 1.26.0

require (
	github.com/go-json-experiment/json v1.27.2
	github.com/gobwas/ws v1.5.0
	github.com/google/go-cmp v0.7.0
	github.com/klauspost/compress v1.20.3
	golang.org/x/time v0.16.0
)

require github.com/gobwas/httphead v0.1.0 // indirect
