package adapter

import (
	"maps"
	"slices"
	"sync"
)

// requests tracks in-flight requests to other servers.
type requests struct {
	mu      sync.Mutex // members.mu and request.mu may be taken under it
	waiting map[string]*request
}

// open adds a request to the current servers and starts to count their answers.
// The request hears of servers that go from now on.
func (q *requests) open(m *members, r *request, others ...string) (id string) {
	id = newUID()
	q.mu.Lock()
	defer q.mu.Unlock()
	r.begin(append(m.list(), others...))
	if q.waiting == nil {
		q.waiting = make(map[string]*request)
	}
	q.waiting[id] = r
	return id
}

// close forgets a request.
func (q *requests) close(id string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.waiting, id)
}

// has reports whether answers to a request are waited for.
func (q *requests) has(id string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting[id] != nil
}

// response passes an answer to its request. A late one is ignored.
func (q *requests) response(m *Message) {
	q.mu.Lock()
	r := q.waiting[m.RequestID]
	q.mu.Unlock()
	switch {
	case r == nil:
	case m.Type == MessageBroadcastClientCount:
		r.owes(m.UID, min(max(m.Count, 0), maxAsked))
	case m.Type == r.wants && r.take(m.UID, 1) == 1:
		r.answer(m, nil)
	}
}

// gone ends the answers that a server owes which has gone.
func (q *requests) gone(uid string) {
	q.mu.Lock()
	all := slices.Collect(maps.Values(q.waiting))
	q.mu.Unlock()
	for _, r := range all {
		r.owes(uid, 0)
		for range r.take(uid, maxAsked) {
			r.answer(new(Message), ErrServerGone)
		}
	}
}

// maxAsked limits the number of sockets that another server may announce: when it goes, each of
// them gets an answer.
const maxAsked = 1 << 20

// request counts the answers to one request.
//
// There must never be more than announced, whatever servers send twice, late or too early. A server
// owes one answer; to a broadcast it owes as many as it announces sockets.
type request struct {
	wants  MessageType           // an answer
	count  func(int)             // called once, when it is known how many answers there will be
	answer func(*Message, error) // called for each, with no content where there is an error

	mu        sync.Mutex
	undecided map[string]bool // servers that have not said how many answers they owe
	owed      map[string]int  // answers, by the servers that have
	total     int
}

func (r *request) begin(uids []string) {
	r.undecided, r.owed = make(map[string]bool, len(uids)), make(map[string]int, len(uids))
	for _, uid := range uids {
		r.undecided[uid] = true
	}
	if r.wants == MessageBroadcastAck {
		return
	}
	for _, uid := range uids {
		r.owes(uid, 1)
	}
	if len(uids) == 0 {
		r.count(0)
	}
}

// owes records that a server owes n answers. A new server counts as long as others are undecided.
func (r *request) owes(uid string, n int) {
	r.mu.Lock()
	_, known := r.owed[uid]
	news := !known && len(r.undecided) > 0
	if news {
		delete(r.undecided, uid)
		r.owed[uid] = n
		r.total += n
	}
	total, decided := r.total, len(r.undecided) == 0
	r.mu.Unlock()
	if news && decided {
		r.count(total)
	}
}

// take takes up to n of the answers that a server owes, and returns how many it took.
func (r *request) take(uid string, n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n = min(n, r.owed[uid])
	if n > 0 {
		r.owed[uid] -= n
	}
	return n
}

// failed records that the other servers were not asked: one error is the answer of all.
func (r *request) failed(err error) {
	r.mu.Lock()
	waited := len(r.undecided) > 0
	clear(r.undecided)
	total := r.total + 1
	r.mu.Unlock()
	if waited {
		r.count(total)
		r.answer(new(Message), err)
	}
}

// debtors returns the servers that still owe an answer.
func (r *request) debtors() (uids []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for uid, n := range r.owed {
		if n > 0 {
			uids = append(uids, uid)
		}
	}
	slices.Sort(uids)
	return uids
}

// answerTo converts a callback for answers of sockets to one for those of servers.
func answerTo(answer func(Answer)) func(*Message, error) {
	return func(m *Message, err error) {
		answer(Answer{Args: m.Values.JSON, Attachments: m.Values.Attachments, Err: err})
	}
}
