package adapter

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// recountInterval is how often a broker is asked for the number of servers while a request waits.
const recountInterval = 250 * time.Millisecond

// requests tracks in-flight requests to other servers.
type requests struct {
	x *Cluster

	mu         sync.Mutex // heartbeats.mu may be taken under it
	waiting    map[string]request
	closed     bool
	recounting bool
	kick       chan struct{} // a request waits for its first count; holds one token
}

// request counts the answers to one request. Its methods call back without a lock.
//
// There must never be more answers than announced, whatever servers send twice, late or too early.
type request interface {
	// expect sets the servers that are waited for, by their uids, when the broker does not count them.
	// It does not call back: announce follows, without a lock.
	expect(uids []string)
	announce()
	// counted sets the number of other servers. It is called again as long as the request waits.
	counted(servers int)
	// uncounted records that the servers could not be counted. It ends a request without a count.
	uncounted(err error)
	// response handles a message that answers the request, or a part of it.
	response(m *Message)
	// gone ends the answers that a server owes which has gone.
	gone(uid string)
}

// open adds a request. It hears of servers that go from now on.
func (q *requests) open(id string, r request) {
	q.mu.Lock()
	if q.waiting == nil {
		q.waiting, q.kick = make(map[string]request), make(chan struct{}, 1)
	}
	q.waiting[id] = r
	switch {
	case q.closed:
		r.expect(nil)
	case q.x.counter == nil:
		r.expect(q.x.beats.servers(q.x.host.Name()))
	default:
		if !q.recounting {
			q.recounting = true
			q.x.work.Go(q.recount)
		}
		q.mu.Unlock()
		select {
		case q.kick <- struct{}{}:
		default:
		}
		return
	}
	q.mu.Unlock()
	r.announce()
}

// end starts no more goroutines. It reports whether it was called before.
func (q *requests) end() (before bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	before, q.closed = q.closed, true
	return before
}

// close forgets a request.
func (q *requests) close(id string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.waiting, id)
}

func (q *requests) get(id string) request {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting[id]
}

func (q *requests) all() []request {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Collect(maps.Values(q.waiting))
}

// gone ends the answers that a server owes which has gone.
func (q *requests) gone(uid string) {
	for _, r := range q.all() {
		r.gone(uid)
	}
}

// recount asks the broker how many servers there are, at once for each new request and then from time
// to time, as long as requests wait: one that has gone must not be waited for.
func (q *requests) recount() {
	again := time.NewTimer(recountInterval)
	defer again.Stop()
	for {
		q.mu.Lock()
		all := slices.Collect(maps.Values(q.waiting))
		q.recounting = len(all) > 0
		q.mu.Unlock()
		if len(all) == 0 {
			return
		}
		n, err := q.x.count(q.x.open)
		for _, r := range all {
			if err == nil {
				r.counted(n - 1)
			} else {
				r.uncounted(err)
			}
		}
		again.Reset(recountInterval)
		select {
		case <-again.C:
		case <-q.kick:
		case <-q.x.open.Done():
			return
		}
	}
}

// answers is a request that each server answers once: a FetchSockets or a server-side event.
type answers struct {
	wants  MessageType
	count  func(int)                         // called once, when it is known how many answers there will be
	answer func(from *Message, failed error) // called for each, from is empty where it failed

	mu       sync.Mutex
	asked    map[string]bool // the uids that owe an answer; nil when servers are counted
	expected int             // answers; -1 until servers are counted
	failed   bool            // the servers were not asked
	answered int
	seen     map[string]bool // the uids that have answered, when servers are counted
}

func newAnswers(wants MessageType, count func(int), answer func(*Message, error)) *answers {
	return &answers{wants: wants, count: count, answer: answer, expected: -1, seen: make(map[string]bool)}
}

func (r *answers) expect(uids []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = make(map[string]bool, len(uids))
	for _, uid := range uids {
		r.asked[uid] = true
	}
	r.expected = len(uids)
}

func (r *answers) announce() { r.count(r.expected) }

// abandon ignores all further answers, because the servers were not asked.
func (r *answers) abandon(err error) *MissingServersError {
	missing := r.missing(err)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expected, r.failed = r.answered, true
	clear(r.asked)
	return missing
}

func (r *answers) uncounted(err error) {
	r.mu.Lock()
	first := r.expected < 0
	r.mu.Unlock()
	if first {
		missing := r.abandon(err)
		r.count(r.expected + 1)
		r.answer(new(Message), missing)
	}
}

func (r *answers) counted(servers int) {
	r.mu.Lock()
	servers = max(servers, r.answered)
	first, lost := r.expected < 0, 0
	if first || servers < r.expected { // a newcomer was not asked
		lost = r.expected - servers
		r.expected = servers
	}
	r.answered += max(lost, 0)
	r.mu.Unlock()
	if first {
		r.count(servers)
	}
	for range lost {
		r.answer(new(Message), ErrServerGone)
	}
}

func (r *answers) response(m *Message) {
	if m.Type == r.wants && r.take(m.UID) {
		r.answer(m, nil)
	}
}

// take reports whether an answer of a server counts.
func (r *answers) take(uid string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.asked != nil:
		owed := r.asked[uid]
		delete(r.asked, uid)
		return owed
	case r.seen[uid], r.expected >= 0 && r.answered >= r.expected, r.answered >= maxServers:
		return false
	}
	if uid != "" {
		r.seen[strings.Clone(uid)] = true
	}
	r.answered++
	return true
}

func (r *answers) gone(uid string) {
	r.mu.Lock()
	owed := r.asked[uid]
	delete(r.asked, uid)
	r.mu.Unlock()
	if owed {
		r.answer(new(Message), ErrServerGone)
	}
}

// missing describes the servers that have not answered.
func (r *answers) missing(err error) *MissingServersError {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := &MissingServersError{UIDs: slices.Sorted(maps.Keys(r.asked)), Missing: len(r.asked), Err: err}
	switch {
	case r.asked != nil:
	case r.expected < 0:
		e.Missing = -1
	default:
		e.Missing = r.expected - r.answered
	}
	return e
}

const (
	// maxServers limits the servers that answer before they have been counted.
	maxServers = 1 << 14
	// maxAsked limits the number of sockets that another server may announce: when it goes, each of
	// them gets an answer.
	maxAsked = 1 << 20
	// maxEarlyBytes limits the acknowledgements that come before their number.
	maxEarlyBytes = 4 << 20
)

// acks is a broadcast with acknowledgements. Each server says how many sockets it has asked, and then
// passes on what they answer. Brokers may deliver these the other way round.
type acks struct {
	single bool                  // one socket is meant
	count  func(int)             // called once, when it is known how many answers there will be
	answer func(*Message, error) // called for each, with no content where there is an error

	mu        sync.Mutex
	undecided map[string]bool // uids that have not said how many they asked; nil when servers are counted
	expected  int             // other servers, when they are counted; -1 until they are
	here      bool            // this server has said it
	said      int             // other servers that have said it
	servers   map[string]*debtor
	total     int
	decided   bool // count was called
	early     int  // bytes of acknowledgements that came before their number
}

// debtor is a server that has asked its sockets. One stands for all servers that give no UID.
type debtor struct {
	known bool // it has said how many
	owes  int
	early []*Message
}

func newAcks(single bool, count func(int), answer func(*Message, error)) *acks {
	return &acks{single: single, count: count, answer: answer, expected: -1, servers: make(map[string]*debtor)}
}

func (r *acks) expect(uids []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.undecided = make(map[string]bool, len(uids))
	for _, uid := range uids {
		r.undecided[uid] = true
	}
}

func (r *acks) announce() { r.update(func() {}) }

func (r *acks) counted(servers int) {
	r.update(func() {
		if r.expected < 0 || servers < r.expected {
			r.expected = servers
		}
	})
	if servers > 0 {
		return
	}
	r.mu.Lock()
	uids := slices.Collect(maps.Keys(r.servers))
	r.mu.Unlock()
	for _, uid := range uids { // nobody else is there
		r.gone(uid)
	}
}

func (r *acks) uncounted(err error) {
	r.mu.Lock()
	first := r.expected < 0
	r.mu.Unlock()
	if first {
		r.failed(err)
	}
}

// local sets how many sockets this server has asked.
func (r *acks) local(n int) {
	r.update(func() {
		r.here = true
		r.total += n
	})
}

// failed records that the other servers could not be asked: one error is the answer of all.
func (r *acks) failed(err error) {
	r.mu.Lock()
	waited := !r.decided
	r.decided = true
	total := r.total + 1
	r.mu.Unlock()
	if waited {
		r.count(total)
		r.answer(new(Message), err)
	}
}

// update changes the counts, and announces their sum once all are known.
func (r *acks) update(change func()) {
	r.mu.Lock()
	change()
	news := !r.decided && r.decidedLocked()
	r.decided = r.decided || news
	total := r.total
	r.mu.Unlock()
	if news {
		r.count(total)
	}
}

func (r *acks) decidedLocked() bool {
	switch {
	case r.single && r.total > 0:
		return true
	case !r.here:
		return false
	case r.undecided != nil:
		return len(r.undecided) == 0
	}
	return r.expected >= 0 && r.said >= r.expected
}

func (r *acks) response(m *Message) {
	switch m.Type {
	case MessageBroadcastClientCount:
		for _, m := range r.asks(m.UID, min(max(m.Count, 0), maxAsked)) {
			r.answer(m, nil)
		}
	case MessageBroadcastAck:
		if r.take(m) {
			r.answer(m, nil)
		}
	default:
	}
}

// asks records that a server has asked n sockets, and returns the acknowledgements that were early.
// It counts unless all have been announced.
func (r *acks) asks(uid string, n int) (early []*Message) {
	r.update(func() {
		s := r.serverLocked(uid)
		if r.decided || s == nil || s.known && uid != "" {
			return
		}
		if r.single {
			n = min(n, 1)
		}
		s.known = true
		s.owes += n
		r.total += n
		r.said++
		delete(r.undecided, uid)
		pay := min(len(s.early), s.owes)
		early, s.early = s.early[:pay], s.early[pay:]
		s.owes -= pay
	})
	return early
}

// take reports whether an acknowledgement counts now. One that comes before its server has said how
// many there will be is kept.
func (r *acks) take(m *Message) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.servers[m.UID]
	if s != nil && s.owes > 0 {
		s.owes--
		return true
	}
	size := earlySize(m)
	if r.decided || s != nil && s.known && m.UID != "" || r.early+size > maxEarlyBytes {
		return false
	}
	if s = r.serverLocked(m.UID); s != nil {
		r.early += size
		s.early = append(s.early, m)
	}
	return false
}

// earlySize returns the memory of an acknowledgement, in bytes.
func earlySize(m *Message) int {
	size := 512
	for _, raw := range m.Values.JSON {
		size += cap(raw)
	}
	for _, data := range m.Values.Attachments {
		size += cap(data)
	}
	return size
}

// serverLocked returns the record of a server, nil when there are too many.
func (r *acks) serverLocked(uid string) *debtor {
	s := r.servers[uid]
	if s == nil && len(r.servers) < maxServers {
		s = new(debtor)
		r.servers[strings.Clone(uid)] = s
	}
	return s
}

func (r *acks) gone(uid string) {
	owed := 0
	r.update(func() {
		delete(r.undecided, uid)
		if s := r.servers[uid]; s != nil {
			owed, s.owes, s.known, s.early = s.owes, 0, true, nil
		}
	})
	for range owed {
		r.answer(new(Message), ErrServerGone)
	}
}

// answerTo converts a callback for answers of sockets to one for those of servers.
func answerTo(answer func(Answer)) func(*Message, error) {
	return func(m *Message, err error) {
		answer(Answer{Args: m.Values.JSON, Attachments: m.Values.Attachments, Err: err})
	}
}
