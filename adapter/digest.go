package adapter

import (
	"errors"
	"strconv"
	"strings"
)

// A digest is a text of numbers of sockets in rooms, in a Hello:
//
//	kind sequence [namespace sockets [room sockets]...]...
//
// separated by spaces. A name is N or R for a namespace or a room, its length in bytes, a colon and
// the name.
type digestKind byte

const (
	digestSame  digestKind = 's' // nothing has changed since the digest with this number
	digestDelta digestKind = 'd' // what has changed since the digest before it
	digestFirst digestKind = 'f' // the first part of everything
	digestNext  digestKind = 'n' // a part that follows
	digestLast  digestKind = 'l' // the last one
	digestWhole digestKind = 'w' // everything in one
	digestOver  digestKind = 'o' // there are too many rooms
)

// Bounds of digests.
const (
	maxDigest       = 6 << 10  // bytes of one as JSON: PostgreSQL takes 8,000 for the message
	maxPresentRooms = 1 << 16  // of a server
	maxPresentRoom  = 256      // bytes of a name; rooms with longer ones are left out
	maxPresentBytes = 64 << 20 // of the rooms of all other servers
)

// digests writes digests.
type digests struct {
	parts     []string
	text      []byte
	size      int // of text as JSON, at most
	namespace string
	sockets   int
	named     bool // the namespace is in text
}

// in begins a namespace.
func (d *digests) in(namespace string, sockets int) {
	d.namespace, d.sockets, d.named = namespace, sockets, false
	d.head()
}

// add adds a room of the namespace.
func (d *digests) add(room string, sockets int) {
	if len(room) <= maxPresentRoom {
		d.head()
		d.name('R', room, sockets)
	}
}

// head writes the namespace, unless that is done.
func (d *digests) head() {
	if !d.named {
		d.name('N', d.namespace, d.sockets)
		d.named = true
	}
}

// name writes a name and a number, in the next digest if there is no room in this one.
func (d *digests) name(kind byte, name string, sockets int) {
	name = strings.ToValidUTF8(name, "\uFFFD") // as JSON has it
	size := jsonSize(name) + 24
	if d.size+size > maxDigest && d.size > 0 {
		d.cut()
		if kind == 'R' {
			d.head()
		}
	}
	d.size += size
	d.text = strconv.AppendInt(append(d.text, ' ', kind), int64(len(name)), 10)
	d.text = append(append(append(d.text, ':'), name...), ' ')
	d.text = strconv.AppendInt(d.text, int64(sockets), 10)
}

// end returns the digests, without their heads.
func (d *digests) end() []string {
	d.cut()
	return d.parts
}

// cut ends a digest.
func (d *digests) cut() {
	if len(d.text) > 0 {
		d.parts = append(d.parts, string(d.text))
	}
	d.text, d.size, d.named = d.text[:0], 0, false
}

// jsonSize returns at least the length of a text in JSON.
func jsonSize(s string) (n int) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || strings.IndexByte("\"\\<>&\x7f\xe2", c) >= 0 {
			n += 5
		}
		n++
	}
	return n
}

// headOf returns what a digest begins with.
func headOf(kind digestKind, sequence uint64) string {
	return string(kind) + strconv.FormatUint(sequence, 10)
}

var errDigest = errors.New("adapter: a digest that cannot be read")

// readHead reads what a digest begins with. It does not look into the rest.
func readHead(text string) (kind digestKind, sequence uint64, body string, err error) {
	head, body, _ := strings.Cut(text, " ")
	if head == "" {
		return 0, 0, "", errDigest
	}
	if sequence, err = strconv.ParseUint(head[1:], 10, 63); err != nil {
		return 0, 0, "", errDigest
	}
	return digestKind(head[0]), sequence, body, nil
}

// readCounts reads the rest of a digest. It calls fn for each number of sockets: of a namespace, or of
// one of its rooms. The names refer to body.
func readCounts(body string, fn func(namespace, room string, inRoom bool, sockets int)) error {
	namespace, known := "", false
	for more := body != ""; more; {
		var length, number string
		kind := body[:min(len(body), 1)]
		length, body, more = strings.Cut(body, ":")
		if !more || length == "" {
			return errDigest
		}
		n, err := strconv.ParseUint(length[1:], 10, 31)
		if err != nil || n >= uint64(len(body)) || body[n] != ' ' {
			return errDigest
		}
		name := body[:n]
		number, body, more = strings.Cut(body[n+1:], " ")
		sockets, err := strconv.ParseUint(number, 10, 31)
		if err != nil {
			return errDigest
		}
		switch {
		case kind == "N":
			namespace, known = name, true
			fn(namespace, "", false, int(sockets))
		case kind == "R" && known:
			fn(namespace, name, true, int(sockets))
		default:
			return errDigest
		}
	}
	return nil
}
