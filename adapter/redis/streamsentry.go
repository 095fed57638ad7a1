package redis

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"

	"github.com/redis/rueidis"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/clusterwire"
	"github.com/gosocketio/socketio/internal/brokers"
)

// inStream reports whether a message is an entry of a stream. Other messages are published on
// channels. An emitter does not publish: its server-side events are entries too.
func inStream(m *adapter.Message) bool {
	return brokers.InLog(m) || m.Type == adapter.MessageServerSideEmit && m.UID == adapter.Emitter
}

// streamIndex returns the number of the stream of a namespace, as official servers compute it. It
// is negative for half of all names.
func streamIndex(namespace string, count int) int {
	var hash int32
	for _, unit := range utf16.Encode([]rune(namespace)) {
		hash = hash*31 + int32(unit)
	}
	return int(int64(hash) % int64(count))
}

// streamName returns the name of the stream of a namespace.
func streamName(name string, count int, namespace string) string {
	if count == 1 {
		return name
	}
	return name + "-" + strconv.Itoa(streamIndex(namespace, count))
}

// streamItem returns what is queued for a message: an entry, which has a Message, or what is published
// to all servers.
func streamItem(c *Config, m *adapter.Message) (it adapter.Item, err error) {
	if inStream(m) {
		it.Message = m
		it.Key = streamName(c.StreamName, c.StreamCount, m.Namespace)
		it.Data, err = entryData(m, c.OnlyPlaintext)
	} else {
		it.Key = c.Prefix + "#" + m.Namespace + "#"
		it.Data, err = clusterwire.EncodeMsgpack(m)
	}
	return it, err
}

// entry is an entry of a stream.
type entry struct {
	id             string
	uid, nsp, kind string
	data           string
	sequence       string // the field seq: writer.number, "" in entries of official servers
}

// errEntry is wrapped by the errors of entries that cannot be read.
var errEntry = errors.New("redis: invalid entry of a stream")

// readEntries returns the entries of a reply to XRANGE, or of one stream in that to XREAD. Entries
// that have the wrong form have no fields, so that their ids are known.
func readEntries(reply rueidis.RedisMessage) ([]entry, error) {
	list, err := reply.ToArray()
	if err != nil {
		return nil, err
	}
	entries := make([]entry, len(list))
	for i := range list {
		pair, err := list[i].ToArray()
		if err != nil || len(pair) != 2 {
			return nil, errEntry
		}
		e := &entries[i]
		if e.id, err = pair[0].ToString(); err != nil {
			return nil, err
		}
		fields, err := pair[1].ToArray()
		if err != nil {
			continue
		}
		for f := 0; f+1 < len(fields); f += 2 {
			name, err := fields[f].ToString()
			value, err2 := fields[f+1].ToString()
			if err == nil && err2 == nil {
				e.set(name, value)
			}
		}
	}
	return entries, nil
}

func (e *entry) set(name, value string) {
	switch name {
	case "uid":
		e.uid = value
	case "nsp":
		e.nsp = value
	case "type":
		e.kind = value
	case "data":
		e.data = value
	case "seq":
		e.sequence = value
	}
}

// message decodes an entry.
func (e *entry) message() (*adapter.Message, error) {
	kind, err := strconv.ParseUint(e.kind, 10, 8)
	if err != nil || kind == 0 {
		return nil, fmt.Errorf("%w: its type is %.20q", errEntry, e.kind)
	}
	m := &adapter.Message{UID: e.uid, Namespace: e.nsp, Type: adapter.MessageType(kind), Position: e.id}
	text := e.data
	if text != "" && text[0] != '{' {
		packed, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errEntry, err)
		}
		text = string(packed)
	}
	if err := clusterwire.ReadData(m, text); err != nil {
		return nil, fmt.Errorf("%w: %w", errEntry, err)
	}
	return m, nil
}

// entryData encodes the field data of a message.
func entryData(m *adapter.Message, plaintext bool) ([]byte, error) {
	if plaintext && m.Packet != nil {
		p, c := *m.Packet, *m
		if err := p.Encode(); err != nil {
			return nil, err
		}
		p.Data, p.Attachments = inlineBuffers(p.Data, p.Attachments), nil
		c.Packet, m = &p, &c
	}
	data, binary, err := clusterwire.AppendData(getBuffer(clusterwire.Size(m)), m)
	if err != nil || !binary {
		return data, err
	}
	return base64.StdEncoding.AppendEncode(make([]byte, 0, base64.StdEncoding.EncodedLen(len(data))), data), nil
}
