package adapter

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// fetchRequest waits for the sockets of each server.
type fetchRequest struct {
	news chan struct{} // something came; holds one token

	mu      sync.Mutex
	missing map[string]struct{}
	infos   []Info
}

func newFetchRequest() *fetchRequest { return &fetchRequest{news: make(chan struct{}, 1)} }

func (r *fetchRequest) begin(uids []string) { r.missing = set(uids) }

func (r *fetchRequest) response(m *Message) {
	if m.Type == MessageFetchSocketsResponse {
		r.take(m.UID, m.Sockets)
	}
}

func (r *fetchRequest) gone(uid string) { r.take(uid, nil) }

// take takes what a server has, the first time.
func (r *fetchRequest) take(uid string, infos []Info) {
	r.mu.Lock()
	if _, missing := r.missing[uid]; missing {
		delete(r.missing, uid)
		r.infos = append(r.infos, infos...)
	}
	r.mu.Unlock()
	select {
	case r.news <- struct{}{}:
	default:
	}
}

// complete tells whether all servers have answered.
func (r *fetchRequest) complete() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.missing) == 0
}

// run yields what comes until it is all, ctx ends or the loop is left.
func (r *fetchRequest) run(ctx context.Context, yield func(Info, error) bool) {
	for {
		r.mu.Lock()
		infos := r.infos
		r.infos = nil
		missing := slices.Sorted(maps.Keys(r.missing))
		r.mu.Unlock()
		for _, info := range infos {
			info.Local = nil
			if !yield(info, nil) {
				return
			}
		}
		switch {
		case len(missing) == 0:
			return
		case ctx.Err() != nil:
			yield(Info{}, &MissingServersError{UIDs: missing, Err: context.Cause(ctx)})
			return
		}
		select {
		case <-r.news:
		case <-ctx.Done():
		}
	}
}
