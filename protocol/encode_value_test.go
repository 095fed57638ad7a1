package protocol

import (
	"bytes"
	"encoding"
	"encoding/json"
	"math"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
)

type rawMessage = json.RawMessage

// What JSON.stringify gives in Node 20 for the same values.
func TestAppendJSONWritesAsJavaScriptDoes(t *testing.T) {
	for _, tc := range []struct {
		v    any
		want string
	}{
		{nil, "null"},
		{true, "true"},
		{false, "false"},
		{0, "0"},
		{-1, "-1"},
		{int8(math.MinInt8), "-128"},
		{int16(math.MinInt16), "-32768"},
		{int32(math.MinInt32), "-2147483648"},
		{int64(math.MinInt64), "-9223372036854775808"},
		{uint(1), "1"},
		{uint8(math.MaxUint8), "255"},
		{uint16(math.MaxUint16), "65535"},
		{uint32(math.MaxUint32), "4294967295"},
		{uint64(math.MaxUint64), "18446744073709551615"},

		{0.0, "0"},
		{math.Copysign(0, -1), "0"},
		{1.0, "1"},
		{-1.5, "-1.5"},
		{0.1, "0.1"},
		{0.30000000000000004, "0.30000000000000004"},
		{100000.0, "100000"},
		{123456789012345680000.0, "123456789012345680000"},
		{1e20, "100000000000000000000"},
		{1e21, "1e+21"},
		{1.5e300, "1.5e+300"},
		{1e-6, "0.000001"},
		{1e-7, "1e-7"},
		{1.5e-9, "1.5e-9"},
		{1.5e-10, "1.5e-10"},
		{1e-100, "1e-100"},
		{5e-324, "5e-324"},
		{math.MaxFloat64, "1.7976931348623157e+308"},
		{9007199254740993.0, "9007199254740992"},
		{math.NaN(), "null"},
		{math.Inf(1), "null"},
		{math.Inf(-1), "null"},
		{float32(0.1), "0.1"},
		{float32(1e21), "1e+21"},
		{float32(1e-7), "1e-7"},
		{float32(math.Inf(1)), "null"},

		{"", `""`},
		{"hello", `"hello"`},
		{"<a href='x'>&amp;</a>", `"<a href='x'>&amp;</a>"`},
		{"\"\\/", `"\"\\/"`},
		{"\b\f\n\r\t", `"\b\f\n\r\t"`},
		{"\x00\x01\x1e\x1f\x7f", "\"\\u0000\\u0001\\u001e\\u001f\x7f\""},
		{"é€😀", `"é€😀"`},
		{"\u2028\u2029", "\"\u2028\u2029\""},
		{"\ufeff\ufffd", "\"\ufeff\ufffd\""},
		{"a\xffb\xc3", "\"a\ufffdb\ufffd\""},
		{"\xff\xfe\xfd", "\"\ufffd\ufffd\ufffd\""},
		{"\xed\xa0\x80", "\"\ufffd\ufffd\ufffd\""},
		{"bad \xff and \"quoted\"\n", "\"bad \ufffd and \\\"quoted\\\"\\n\""},
		{strings.Repeat("x", 100) + "\n" + strings.Repeat("é", 100), `"` + strings.Repeat("x", 100) + `\n` + strings.Repeat("é", 100) + `"`},

		{[]any{}, "[]"},
		{[]any(nil), "null"},
		{[]any{1, "a", nil, []any{true}}, `[1,"a",null,[true]]`},
		{[]string{}, "[]"},
		{[]string(nil), "null"},
		{[]string{"a", "<"}, `["a","<"]`},
		{map[string]any{}, "{}"},
		{map[string]any(nil), "null"},
		{map[string]any{"b": 1, "a": map[string]any{"<": nil}, "c": math.NaN()}, `{"a":{"<":null},"b":1,"c":null}`},
		{map[string]any{"9": 1, "8": 1, "7": 1, "6": 1, "5": 1, "4": 1, "3": 1, "2": 1, "1": 1}, `{"1":1,"2":1,"3":1,"4":1,"5":1,"6":1,"7":1,"8":1,"9":1}`},
		{rawMessage(`{"a": [1]}`), `{"a": [1]}`},
		{rawMessage(nil), "null"},

		{struct{ A string }{"<&>"}, `{"A":"<&>"}`},
		{struct{ A, B float64 }{math.NaN(), 1}, `{"A":null,"B":1}`},
		{struct{ A float32 }{float32(math.Inf(1))}, `{"A":null}`},
		{[]float64{1, math.Inf(-1)}, "[1,null]"},
		{map[string]float64{"a": math.NaN()}, `{"a":null}`},
		{celsius(math.NaN()), "null"},
		{[]celsius{1.5, celsius(math.Inf(1))}, "[1.5,null]"},
		{time.Date(2024, 2, 29, 12, 30, 0, 5e6, time.UTC), `"2024-02-29T12:30:00.005Z"`},
		{time.Second, "1000000000"},
		{[3]byte{1, 2, 3}, "[1,2,3]"},
		{errFailing, "{}"},
	} {
		got, atts, err := AppendJSON([]byte("x"), nil, tc.v)
		if err != nil || string(got) != "x"+tc.want || len(atts) != 0 {
			t.Errorf("AppendJSON(%#v) = %s, %d attachments, %v; want x%s", tc.v, got, len(atts), err, tc.want)
		}
	}
}

type (
	celsius  float64
	point    struct{ X, Y int }
	color    uint8
	embedded struct {
		Shadowed string
		Promoted int `json:"promoted,omitempty"`
	}
	hidden struct{ Visible string }
	outer  struct {
		embedded
		*hidden
		point    `json:"point"`
		Shadowed string
		Skipped  int     `json:"-"`
		Dash     int     `json:"-,"` //nolint:staticcheck // a field that is named so on purpose
		Quoted   int     `json:",string"`
		QuotedS  string  `json:",string"`
		Zero     *int    `json:"zero,omitzero"`
		Empty    []int   `json:"empty,omitempty"`
		EmptyS   string  `json:",omitempty"`
		EmptyF   float64 `json:",omitempty"`
		EmptyM   map[string]int
		EmptyP   *point   `json:",omitempty"`
		EmptySt  struct{} `json:",omitempty"`
		Any      any
		private  int
	}
	pointerMarshaler struct{ A int }
	valueMarshaler   struct{ A int }
	textKey          struct{ a, b int }
	textMarshaler    string
)

func (c color) MarshalText() ([]byte, error)               { return []byte{'c', '0' + byte(c)}, nil }
func (p *pointerMarshaler) MarshalJSON() ([]byte, error)   { return []byte(`{"pointer": "<>"}`), nil }
func (v valueMarshaler) MarshalJSON() ([]byte, error)      { return []byte(` {"value" : [1, 2]} `), nil }
func (k textKey) MarshalText() ([]byte, error)             { return []byte{'k', '0' + byte(k.a)}, nil }
func (m textMarshaler) MarshalText() ([]byte, error)       { return []byte("text <" + string(m) + ">"), nil }
func (m *textMarshaler) UnmarshalText(text []byte) error   { *m = textMarshaler(text); return nil }
func (p *pointerMarshaler) UnmarshalJSON(raw []byte) error { p.A = len(raw); return nil }

var (
	_ encoding.TextMarshaler = color(0)
	_ json.Marshaler         = (*pointerMarshaler)(nil)
)

// values holds no binary data and nothing that the two escape differently.
func values() []any {
	one := 1
	when := time.Date(2024, 2, 29, 12, 30, 0, 123456789, time.FixedZone("x", 3600))
	return []any{
		outer{}, &outer{}, []outer{{}},
		outer{
			embedded: embedded{"in", 5}, hidden: &hidden{"v"}, point: point{1, 2}, Shadowed: "out", Skipped: 1, Dash: 2, Quoted: 3, QuotedS: "q\"",
			Zero: &one, Empty: []int{1}, EmptyS: "s", EmptyF: 1e-9, EmptyM: map[string]int{"b": 1, "a": 2}, EmptyP: &point{}, Any: point{3, 4}, private: 1,
		},
		point{1, 2}, &point{1, 2}, (*point)(nil), new(any), []point{{1, 2}}, []*point{nil, {1, 2}}, [2]point{}, map[string]point{"<": {1, 2}, "a": {}},
		map[int]string{10: "a", 9: "b", -1: "c"}, map[uint8]bool{1: true}, map[color]int{2: 1, 1: 2}, map[textKey]int{{1, 2}: 1}, map[string]*int{"a": nil, "b": &one},
		pointerMarshaler{1}, &pointerMarshaler{1}, []pointerMarshaler{{1}}, []*pointerMarshaler{{1}, nil}, map[string]pointerMarshaler{"a": {1}},
		map[string]*pointerMarshaler{"a": {1}, "b": nil}, struct{ P pointerMarshaler }{}, &struct{ P pointerMarshaler }{}, struct{ P any }{pointerMarshaler{}}, struct{ P any }{&pointerMarshaler{}},
		valueMarshaler{1}, &valueMarshaler{1}, (*valueMarshaler)(nil), []valueMarshaler{{1}}, map[string]valueMarshaler{"a": {}}, struct{ V json.Marshaler }{valueMarshaler{}}, struct{ V json.Marshaler }{},
		color(1), []color{1, 2}, struct{ C []color }{[]color{3}}, textMarshaler("é\""), struct{ T textMarshaler }{"x"}, struct{ T encoding.TextMarshaler }{color(4)},
		when, &when, []time.Time{when}, struct{ T time.Time }{when}, time.Minute, struct{ D time.Duration }{time.Hour},
		json.Number("12.50"), []json.Number{"1", ""}, struct{ N json.Number }{"7"}, map[json.Number]int{"1": 1}, map[string]json.Number{"a": "-1.5e3"}, struct{ R json.RawMessage }{rawMessage(` { "a" : [ 1 , "<" ] } `)}, map[string]json.RawMessage{"a": rawMessage("1 "), "b": nil},
		big.NewInt(1).Lsh(big.NewInt(1), 100), netip.MustParseAddr("::1"), url.Values{"a": {"b", "<"}},
		[]any{1, point{}, []any{"x", map[string]any{"a": &point{}, "b": when, "c": 1.5e-9, "d": float32(0.1), "e": uint64(math.MaxUint64)}}},
		map[string]any{"a": map[string][]any{"b": {1, nil, "\u00e9<>&", true}}}, []string{"a", "b"}, [][]string{{"a"}, nil, {}}, []int(nil), map[string]int(nil), []bool{true}, [3]byte{1, 2, 3}, [0]int{},
		1e21, 1e20, 1e-7, 123456.789, float32(16777216), float32(3.4e38), -1e-300, "plain", "quote\" back\\slash \b\f\n\r\t\x01\x7f é€😀", celsius(1.5), struct{ C celsius }{1e21},
		struct{}{}, struct{ a int }{1}, new(string), new(*string), struct{ I interface{ M() } }{}, errFailing,
	}
}

func marshalStd(t testing.TB, v any) []byte {
	t.Helper()
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatalf("encoding/json: %T: %v", v, err)
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}

// All ways to encode a value agree with encoding/json when it holds no binary
// data: the fast path, and the one for types that might hold some.
func TestAppendJSONAgreesWithEncodingJSON(t *testing.T) {
	for _, v := range values() {
		want := marshalStd(t, v)
		got, atts, err := AppendJSON(nil, nil, v)
		if err != nil || !bytes.Equal(got, want) || len(atts) != 0 {
			t.Errorf("AppendJSON(%T) = %s, %v\nencoding/json: %s", v, got, err, want)
		}
		got, atts, err = appendBinary(nil, nil, v)
		if err != nil || !bytes.Equal(got, want) || len(atts) != 0 {
			t.Errorf("appendBinary(%T) = %s, %v\nencoding/json: %s", v, got, err, want)
		}
		wrapped := struct {
			V any
			B []byte
		}{v, nil}
		want = marshalStd(t, wrapped)
		got, atts, err = AppendJSON(nil, nil, wrapped)
		if err != nil || !bytes.Equal(got, want) || len(atts) != 0 {
			t.Errorf("AppendJSON(%T in a struct with binary data) = %s, %v\nencoding/json: %s", v, got, err, want)
		}
	}
}

type (
	ownBytes     []byte
	pointerBytes []byte
	letters      []letter
	letter       uint8
	recursive    struct {
		Data     []byte       `json:"data,omitempty"`
		Children []*recursive `json:"children,omitempty"`
	}
)

func (ownBytes) MarshalJSON() ([]byte, error)      { return []byte(`"own"`), nil }
func (*pointerBytes) MarshalJSON() ([]byte, error) { return []byte(`"pointer"`), nil }
func (letter) MarshalText() ([]byte, error)        { return []byte("l"), nil }

func TestAppendJSONTakesBinaryDataOut(t *testing.T) {
	const p0, p1 = `{"_placeholder":true,"num":0}`, `{"_placeholder":true,"num":1}`
	b := []byte("x")
	var nilBytes *[]byte
	for _, tc := range []struct {
		rule string
		v    any
		want string
		atts int
	}{
		{"bytes", b, p0, 1},
		{"named", named(b), p0, 1},
		{"pointer", &b, p0, 1},
		{"nil pointer", nilBytes, "null", 0},
		{"pointer to named", new(named("x")), p0, 1},
		{"in an any behind a pointer", new(any(b)), p0, 1},
		{"slice", [][]byte{b, b}, "[" + p0 + "," + p1 + "]", 2},
		{"slice of named", []named{named(b), nil, named(b)}, "[" + p0 + ",null," + p1 + "]", 2},
		{"array", [2][]byte{b}, "[" + p0 + ",null]", 1},
		{"map", map[string][]byte{"b": b, "a": b}, `{"a":` + p0 + `,"b":` + p1 + "}", 2},
		{"map with other keys", map[int]named{2: named(b), 1: named(b)}, `{"1":` + p0 + `,"2":` + p1 + "}", 2},
		{"field", struct{ B, C []byte }{b, nil}, `{"B":` + p0 + `,"C":null}`, 1},
		{"omitempty", struct {
			B []byte `json:",omitempty"`
			C []byte `json:",omitempty"`
		}{[]byte{}, b}, `{"C":` + p0 + "}", 1},
		{"ignored field", struct {
			B []byte `json:"-"`
		}{b}, "{}", 0},
		{"unexported field", struct{ b []byte }{b}, "{}", 0},
		{"embedded", struct{ recursive }{recursive{Data: b}}, `{"data":` + p0 + "}", 1},
		{"recursive", recursive{Data: b, Children: []*recursive{nil, {Data: b}}}, `{"data":` + p0 + `,"children":[null,{"data":` + p1 + "}]}", 2},
		{"any field", struct{ A any }{[]any{b, map[string]any{"n": named(b)}}}, `{"A":[` + p0 + `,{"n":` + p1 + "}]}", 2},
		{"typed among untyped", []any{struct{ B []byte }{b}, map[string][]byte{"a": b}}, `[{"B":` + p0 + `},{"a":` + p1 + "}]", 2},
		{"marshals itself", ownBytes(b), `"own"`, 0},
		{"marshals itself, deep", []any{[]ownBytes{ownBytes(b)}}, `[["own"]]`, 0},
		{"marshals itself through a pointer", new(pointerBytes("x")), `"pointer"`, 0},
		{"raw message", struct{ R json.RawMessage }{rawMessage("[1]")}, `{"R":[1]}`, 0},
		{"pointer to raw message", new(rawMessage(`{"a": [1]}`)), `{"a": [1]}`, 0},
		{"nil pointer to raw message", (*rawMessage)(nil), "null", 0},
		{"elements marshal themselves", letters{1, 2}, `["l","l"]`, 0},
		{"array of bytes is no binary data", struct {
			A [2]byte
			B []byte
		}{[2]byte{1, 2}, b}, `{"A":[1,2],"B":` + p0 + "}", 1},
		{"NaN beside binary data", struct {
			F float64
			B []byte
		}{math.NaN(), b}, `{"F":null,"B":` + p0 + "}", 1},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			got, atts, err := AppendJSON(nil, nil, tc.v)
			if err != nil || string(got) != tc.want || len(atts) != tc.atts {
				t.Errorf("got  %s, %d attachments, %v\nwant %s, %d", got, len(atts), err, tc.want, tc.atts)
			}
			for _, a := range atts {
				if string(a) != "x" {
					t.Errorf("attachment %q, want x", a)
				}
			}
			// Numbers go on from where the caller is.
			got, atts, err = AppendJSON(nil, [][]byte{nil, nil, nil}, []any{b, tc.v})
			if err != nil || len(atts) != 4+tc.atts || !strings.HasPrefix(string(got), `[{"_placeholder":true,"num":3},`) {
				t.Errorf("after others: %s, %d attachments, %v", got, len(atts), err)
			}
		})
	}
}

func TestDeepValues(t *testing.T) {
	for _, depth := range []int{maxFast - 1, maxFast, maxFast + 1, 1500, 5000} {
		var v any = []byte("x")
		for i := range depth {
			if v = []any{v}; i%2 == 1 {
				v = map[string]any{"a": v.([]any)[0]}
			}
		}
		got, atts, err := AppendJSON(nil, nil, v)
		if err != nil || len(atts) != 1 || !json.Valid(got) {
			t.Errorf("depth %d: %d attachments, %v", depth, len(atts), err)
		}
	}
}

func FuzzAppendJSON(f *testing.F) {
	for _, s := range documents {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var v any
		if json.Unmarshal(data, &v) != nil {
			return
		}
		want := marshalStd(t, v)
		// The standard library escapes what JavaScript need not, and JSON has one zero only.
		for from, to := range map[string]string{`\u2028`: "\u2028", `\u2029`: "\u2029", `\ufffd`: "\ufffd"} {
			if bytes.Contains(want, []byte(`\`+from)) {
				return
			}
			want = bytes.ReplaceAll(want, []byte(from), []byte(to))
		}
		got, atts, err := AppendJSON(nil, nil, v)
		if err != nil || len(atts) != 0 {
			t.Fatalf("%d attachments, %v", len(atts), err)
		}
		if !bytes.Equal(got, want) && !bytes.Contains(want, []byte("-0")) {
			t.Errorf("AppendJSON = %s\nencoding/json: %s", got, want)
		}
		var again any
		if err := Decode(got, nil, &again); err != nil {
			t.Fatal(err)
		}
		if got2, _, _ := AppendJSON(nil, nil, again); !bytes.Equal(got, got2) {
			t.Errorf("%s came back as %s", got, got2)
		}
	})
}

func TestFloatsReadBack(t *testing.T) {
	for range 20_000 {
		f := math.Float64frombits(rand.Uint64())
		if math.IsNaN(f) || math.IsInf(f, 0) {
			continue
		}
		if got, want := appendFloat(nil, f, 64), marshalStd(t, f); !bytes.Equal(got, want) && f != 0 {
			t.Fatalf("%b: %s, want %s", f, got, want)
		}
		if f := float32(f); !math.IsInf(float64(f), 0) && f != 0 {
			if got, want := appendFloat(nil, float64(f), 32), marshalStd(t, f); !bytes.Equal(got, want) {
				t.Fatalf("%b: %s, want %s", f, got, want)
			}
		}
	}
}
