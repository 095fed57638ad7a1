module github.com/gosocketio/socketio/internal/ledger

go 1.26.0

require github.com/gosocketio/socketio v0.0.0

replace github.com/gosocketio/socketio => ../../
