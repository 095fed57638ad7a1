package protocol

// IsReserved reports whether a client must not use name for an event: it has a
// meaning of its own (Socket.IO protocol 5, "EVENT"). An incoming event with
// such a name is an [ErrInvalidPayload].
func IsReserved(name string) bool {
	switch name {
	case "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener":
		return true
	}
	return false
}
