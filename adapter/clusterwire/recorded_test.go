package clusterwire_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/clusterwire"
)

// recorded is a message of an official server: as text or hexadecimal digits, or as the fields of an
// entry of a stream. testdata has all that two servers with each official adapter wrote, from start
// to end, but those longer than 1,500 bytes.
type recorded struct {
	Step, Text, Hex      string
	UID, Nsp, Type, Data string
}

// decode returns the message, and the bytes as which it is encoded again.
func (r recorded) decode(t *testing.T) (m *adapter.Message, wire, again string) {
	t.Helper()
	var err error
	if r.UID == "" {
		if wire = r.Text; r.Hex != "" {
			raw, err := hex.DecodeString(r.Hex)
			if err != nil {
				t.Fatal(err)
			}
			wire = string(raw)
		}
		if m, err = clusterwire.Decode([]byte(wire)); err != nil {
			t.Fatalf("%s: %q: %v", r.Step, wire, err)
		}
		var data []byte
		if r.Hex != "" {
			data, err = clusterwire.EncodeMsgpack(m)
		} else {
			data, _, err = clusterwire.Encode(m)
		}
		if err != nil {
			t.Fatalf("%s: %v", r.Step, err)
		}
		return m, wire, string(data)
	}
	number, err := strconv.Atoi(r.Type)
	if err != nil {
		t.Fatal(err)
	}
	m = &adapter.Message{UID: r.UID, Namespace: r.Nsp, Type: adapter.MessageType(number)}
	wire = r.Data
	if !strings.HasPrefix(wire, "{") {
		raw, err := base64.StdEncoding.DecodeString(wire)
		if err != nil {
			t.Fatal(err)
		}
		wire = string(raw)
	}
	if err := clusterwire.DecodeData(m, []byte(wire)); err != nil {
		t.Fatalf("%s: %q: %v", r.Step, wire, err)
	}
	data, _, err := clusterwire.EncodeData(m)
	if err != nil {
		t.Fatalf("%s: %v", r.Step, err)
	}
	return m, wire, string(data)
}

// differs tells why a message may be encoded again as other bytes.
func (r recorded) differs() string {
	switch {
	case strings.HasPrefix(r.Step, "emitter "):
		return "emitters have members in another order, and no namespace"
	case strings.Contains(r.Step, "numeric room"):
		return "a number becomes text"
	case strings.Contains(r.Step, "binary + Date"):
		return "a Date becomes text, NaN null"
	}
	return ""
}

// Every message of official servers is understood, and encoded again as the same bytes.
func TestRecordings(t *testing.T) {
	files, err := filepath.Glob("testdata/*.jsonl")
	if err != nil || len(files) != 8 {
		t.Fatal(files, err)
	}
	messages, other := 0, 0
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			var r recorded
			if err := json.Unmarshal(line, &r); err != nil {
				t.Fatal(err)
			}
			_, wire, again := r.decode(t)
			messages++
			if wire != again {
				other++
				if r.differs() == "" {
					t.Errorf("%s: %s:\n%q became\n%q", name, r.Step, wire, again)
				}
			}
		}
	}
	if messages != 250 || other != 16 {
		t.Errorf("%d messages, %d of them other bytes again", messages, other)
	}
}
