package main

import (
	"errors"
	"fmt"
	"net"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/engineio"
)

// relay are the flags for a cluster without sticky sessions.
type relay struct {
	RelaySecret string `placeholder:"SECRET" help:"Secret of the cluster's servers, the same on all: they answer for each other's clients, and the load balancer needs no sticky sessions. Better set in the environment, where other users do not see it."`
	RelayAddr   string `placeholder:"HOST:PORT" help:"Address at which the other servers reach this one, with -relay-secret. Default: that of -addr, or of this machine's network where that has no host."`
}

// checkRelay returns an error that names the flag whose value cannot work, and completes RelayAddr.
func (r *relay) checkRelay(c *serve) error {
	switch {
	case r.RelaySecret == "" && r.RelayAddr == "":
		return nil
	case r.RelaySecret == "":
		return errors.New("-relay-addr needs -relay-secret")
	case len(r.RelaySecret) < engineio.MinSecretLen:
		return fmt.Errorf("-relay-secret has %d characters, it must have at least %d", len(r.RelaySecret), engineio.MinSecretLen)
	case c.Cluster == "":
		return errors.New("-relay-secret needs -cluster")
	case c.TLSCert != "":
		return errors.New("-relay-secret cannot go with -tls-cert: servers relay over plain HTTP, let the load balancer terminate TLS")
	}
	if r.RelayAddr == "" {
		host, port, _ := net.SplitHostPort(c.Addr) // it has been checked
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			var err error
			if host, err = networkAddr(); err != nil {
				return err
			}
		}
		r.RelayAddr = net.JoinHostPort(host, port)
	}
	if host, port, err := net.SplitHostPort(r.RelayAddr); err != nil || host == "" || port == "" || port == "0" {
		return fmt.Errorf("-relay-addr is %q, it must be host:port, such as 10.0.0.5:3001", r.RelayAddr)
	}
	return nil
}

// networkAddr returns an address of this machine that others reach.
func networkAddr() (string, error) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return "", fmt.Errorf("-relay-addr: %w", err)
	}
	for _, a := range addrs {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.IsGlobalUnicast() {
			return ip.IP.String(), nil
		}
	}
	return "", errors.New("-relay-addr is needed: this machine has no address in a network")
}

// config returns the server's configuration for it, nil without a secret.
func (r *relay) config() *socketio.Relay {
	if r.RelaySecret == "" {
		return nil
	}
	return &socketio.Relay{Address: r.RelayAddr, Secret: r.RelaySecret}
}
