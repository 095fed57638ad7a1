//go:build !unix

package engineio

import "net"

// newRawStream has no counterpart where descriptors cannot be written to without blocking: plainStream serves there.
func newRawStream(net.Conn) stream { return nil }
