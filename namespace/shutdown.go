package namespace

import (
	"context"
	"errors"
)

// Shutdown disconnects every socket with the reason "server shutting down" - no DISCONNECT packet is sent, so that
// clients reconnect - closes the adapters, shuts the engine down, and waits for the callbacks and handlers that are
// still running. From the start of it nobody joins any more. It returns the context's cause when ctx ends first;
// what was started goes on.
func (h *Hub) Shutdown(ctx context.Context) error {
	h.closing.Store(true)
	var errs []error
	clients := make(map[*client][]*Socket)
	for _, ns := range h.Namespaces() {
		ns.serverSide.drop()
		for _, s := range ns.Sockets() {
			s.client.forget(s, true)
			clients[s.client] = append(clients[s.client], s)
		}
	}
	for _, sockets := range clients {
		endAll(sockets, ReasonServerShuttingDown, nil)
	}
	errs = append(errs, h.engine.Shutdown(ctx))
	if err := h.workers.wait(ctx); err != nil {
		return errors.Join(append(errs, err)...)
	}
	// Only now: disconnect callbacks may still broadcast.
	for _, ns := range h.Namespaces() {
		if ns.recovery != nil {
			ns.recovery.close()
		}
		errs = append(errs, h.closeAdapter(ns))
	}
	return errors.Join(errs...)
}
