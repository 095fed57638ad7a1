package nats

import "strings"

// seen recognises the copies of a message, by the number of the last one of each server. Servers
// number them in order, and the copies of one arrive one after the other. Memory is bounded: the
// last 1,024 to 2,048 servers.
type seen struct {
	last, old map[string]string // number by uid; when last is full it becomes old
}

const maxServers = 1024

// again tells whether the value of copyHeader is that of the last message of this server.
func (s *seen) again(value string) bool {
	uid, number, ok := strings.Cut(value, ".")
	if !ok || len(value) > maxHeader {
		return false
	}
	last, known := s.last[uid]
	if !known {
		last = s.old[uid]
		if s.last == nil || len(s.last) >= maxServers {
			s.last, s.old = make(map[string]string), s.last
		}
	}
	s.last[strings.Clone(uid)] = number
	return last == number
}
