package brokers

import "github.com/gosocketio/socketio/adapter"

// InLog reports whether a message is kept in a log. Questions and answers are not: when a server
// has missed one, its asker does not wait any more.
func InLog(m *adapter.Message) bool {
	switch m.Type {
	case adapter.MessageBroadcast:
		return m.RequestID == ""
	case adapter.MessageSocketsJoin, adapter.MessageSocketsLeave, adapter.MessageDisconnectSockets:
		return true
	default:
		return false
	}
}
