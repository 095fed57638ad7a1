package api

import (
	"bufio"
	"encoding/json"
	"net/http"
	"slices"
)

// stream writes a JSON object with one array, element by element, so that an answer of any length
// takes no memory. Errors of writing end in nothing: the backend has gone, which ends its context.
type stream struct {
	w     *bufio.Writer
	name  string
	count int
}

func newStream(w http.ResponseWriter, name string) *stream {
	w.Header().Set("Content-Type", "application/json")
	return &stream{w: bufio.NewWriter(w), name: name}
}

// add writes an element of the array.
func (s *stream) add(v any) {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // only raw JSON that was checked, texts and numbers come here
	}
	if s.count++; s.count == 1 {
		s.begin()
	} else {
		_ = s.w.WriteByte(',')
	}
	_, _ = s.w.Write(data)
}

func (s *stream) begin() {
	_, _ = s.w.WriteString(`{"` + s.name + `":[`)
}

// end ends the array and writes the other members of the object.
func (s *stream) end(others map[string]any) {
	if s.count == 0 {
		s.begin()
	}
	data, err := json.Marshal(others)
	if err != nil {
		panic(err) // these are numbers and texts
	}
	_, _ = s.w.WriteString("],")
	_, _ = s.w.Write(append(data[1:], '\n'))
	_ = s.w.Flush()
}

// maxErrors limits the errors in an answer.
const maxErrors = 10

// tally counts what is missing in an answer, and says why.
type tally struct {
	missing int      // -1 when it is not known
	errors  []string // each once, the first maxErrors
}

func newTally() *tally { return &tally{errors: []string{}} }

// add adds n, -1 for an unknown number, that are missing because of err.
func (t *tally) add(n int, err error) {
	if n < 0 || t.missing < 0 {
		t.missing = -1
	} else {
		t.missing += n
	}
	if text := plain(err); len(t.errors) < maxErrors && !slices.Contains(t.errors, text) {
		t.errors = append(t.errors, text)
	}
}
