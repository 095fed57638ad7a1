//go:build !unix

package engineio

import "net"

// newRawStream returns nil: on other systems than Unix, plainStream serves all connections.
func newRawStream(net.Conn) stream { return nil }
