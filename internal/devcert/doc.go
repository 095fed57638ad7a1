// Package devcert makes certificates for tests and demonstrations on one machine. Nobody trusts them by themselves; browsers
// take them for WebTransport when a page names their hash (serverCertificateHashes), which asks for an ECDSA key and a
// lifetime of at most 14 days.
package devcert
