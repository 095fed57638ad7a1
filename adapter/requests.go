package adapter

import (
	"maps"
	"slices"
	"sync"
)

// requests are what other servers were asked for and have not all answered.
type requests struct {
	mu      sync.Mutex // members.mu may be taken under it
	waiting map[string]request
}

// request is one of them.
type request interface {
	// begin says whose answers it waits for. It is called once, before anything else.
	begin(uids []string)
	// response takes an answer.
	response(m *Message)
	// gone says that a server does not answer any more.
	gone(uid string)
}

// open makes a request that waits for the servers there are, and for others. Who goes from now on is told to it.
func (q *requests) open(m *members, r request, others ...string) (id string) {
	id = newUID()
	q.mu.Lock()
	defer q.mu.Unlock()
	r.begin(append(m.list(), others...))
	if q.waiting == nil {
		q.waiting = make(map[string]request)
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

// response hands an answer to who waits for it. One that nobody waits for is late.
func (q *requests) response(m *Message) {
	q.mu.Lock()
	r := q.waiting[m.RequestID]
	q.mu.Unlock()
	if r != nil {
		r.response(m)
	}
}

// gone tells everybody that a server has gone.
func (q *requests) gone(uid string) {
	q.mu.Lock()
	all := slices.Collect(maps.Values(q.waiting))
	q.mu.Unlock()
	for _, r := range all {
		r.gone(uid)
	}
}

// ackRequest waits for how many sockets the servers have asked, and for the acknowledgements of these. Who takes them counts: there
// must never be more than were announced, whatever servers say twice, late, or too early to be known.
type ackRequest struct {
	count  func(int)
	answer func(Answer)

	mu      sync.Mutex
	missing map[string]struct{} // the servers that have not said how many; count has been called when it is empty
	total   int
	owed    map[string]int // answers, by servers that have said how many, or have gone
}

func newAckRequest(count func(int), answer func(Answer)) *ackRequest {
	return &ackRequest{count: count, answer: answer, owed: make(map[string]int)}
}

func (r *ackRequest) begin(uids []string) { r.missing = set(uids) }

// maxAsked is how many sockets another server may say that it has asked: there is an answer for each when it goes.
const maxAsked = 1 << 20

func (r *ackRequest) response(m *Message) {
	switch m.Type {
	case MessageBroadcastClientCount:
		r.counted(m.UID, min(max(m.Count, 0), maxAsked))
	case MessageBroadcastAck:
		if r.owes(m.UID) {
			r.answer(Answer{Args: m.Values.JSON, Attachments: m.Values.Attachments})
		}
	default:
	}
}

// owes tells whether an acknowledgement of a server is one that was announced, and takes it for that.
func (r *ackRequest) owes(uid string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.owed[uid] == 0 {
		return false
	}
	r.owed[uid]--
	return true
}

// counted notes that a server has asked n sockets. One that has only just come counts as long as others are waited for.
func (r *ackRequest) counted(uid string, n int) {
	r.mu.Lock()
	total, told := r.note(uid, n)
	r.mu.Unlock()
	if told {
		r.count(total)
	}
}

// note is counted with the lock held. It returns whether the total is to be told.
func (r *ackRequest) note(uid string, n int) (total int, told bool) {
	if _, known := r.owed[uid]; known || len(r.missing) == 0 {
		return 0, false
	}
	delete(r.missing, uid)
	r.total += n
	r.owed[uid] = n
	return r.total, len(r.missing) == 0
}

func (r *ackRequest) gone(uid string) {
	r.mu.Lock()
	total, told := r.note(uid, 0)
	owed := r.owed[uid]
	if owed > 0 {
		r.owed[uid] = 0
	}
	r.mu.Unlock()
	if told {
		r.count(total)
	}
	for range owed {
		r.answer(Answer{Err: ErrServerGone})
	}
}

// failed says that the other servers were not asked.
func (r *ackRequest) failed(err error) {
	r.mu.Lock()
	waited := len(r.missing) > 0
	clear(r.missing)
	total := r.total + 1
	r.mu.Unlock()
	if waited {
		r.count(total)
		r.answer(Answer{Err: err})
	}
}

// serverSideRequest waits for an answer of each server.
type serverSideRequest struct {
	answer  func(Answer)
	servers int // that were asked

	mu      sync.Mutex
	missing map[string]struct{}
}

func newServerSideRequest(answer func(Answer)) *serverSideRequest {
	return &serverSideRequest{answer: answer}
}

func (r *serverSideRequest) begin(uids []string) { r.missing, r.servers = set(uids), len(uids) }

func (r *serverSideRequest) response(m *Message) {
	if m.Type == MessageServerSideEmitResponse && r.take(m.UID) {
		r.answer(Answer{Args: m.Values.JSON, Attachments: m.Values.Attachments})
	}
}

func (r *serverSideRequest) gone(uid string) {
	if r.take(uid) {
		r.answer(Answer{Err: ErrServerGone})
	}
}

// take tells whether a server has not answered yet: the first answer counts.
func (r *serverSideRequest) take(uid string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, missing := r.missing[uid]
	delete(r.missing, uid)
	return missing
}

func set(names []string) map[string]struct{} {
	m := make(map[string]struct{}, len(names))
	for _, name := range names {
		m[name] = struct{}{}
	}
	return m
}
