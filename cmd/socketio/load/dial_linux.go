package load

import "syscall"

// bindAddressNoPort is IP_BIND_ADDRESS_NO_PORT of ip(7), which the package syscall does not have.
const bindAddressNoPort = 24

// latePort has the kernel choose the port of a connection when it knows where that goes. Otherwise it looks for one that
// nothing else uses, those of connections that are over included: with thousands that takes longer and longer, and fails at last.
func latePort(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, bindAddressNoPort, 1) // without it, it is as it was
	})
}
