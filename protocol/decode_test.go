package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	ph0 = `{"_placeholder":true,"num":0}`
	ph1 = `{"_placeholder":true,"num":1}`
)

func TestDecodePutsAttachmentsIn(t *testing.T) {
	a, b := []byte("first"), []byte("second")
	type inner struct {
		Named named   `json:"named"`
		Any   any     `json:"any"`
		Ptr   *[]byte `json:"ptr"`
		skip  int     //nolint:unused // it is there to be left alone
	}
	type message struct {
		Name  string           `json:"name"`
		Data  []byte           `json:"data"`
		Inner *inner           `json:"inner"`
		Map   map[string]named `json:"map"`
		List  [][]byte         `json:"list"`
		Array [2][]byte        `json:"array"`
	}
	for _, tc := range []struct {
		rule, raw string
		into      any // a pointer
		want      any // what it points to then
	}{
		{"[]byte", ph0, new([]byte), a},
		{"named", ph1, new(named), named(b)},
		{"*[]byte", ph0, new(*[]byte), &a},
		{"*named", ph0, new(*named), new(named("first"))},
		{"any", ph1, new(any), any(b)},
		{"named any", ph1, new(namedAny), namedAny(b)},
		{"*any", ph1, new(*any), new(any(b))},
		{"[]any", "[1," + ph1 + `,"x",[` + ph0 + "]]", new([]any), []any{1.0, b, "x", []any{a}}},
		{"map[string]any", `{"a":` + ph0 + `,"b":{"c":[null,` + ph1 + "]}}", new(map[string]any), map[string]any{"a": a, "b": map[string]any{"c": []any{nil, b}}}},
		{"any that holds some", `{"a":` + ph0 + `,"b":true,"c":false,"d":1e3,"e":"\u00e9\n"}`, new(any), any(map[string]any{"a": a, "b": true, "c": false, "d": 1000.0, "e": "é\n"})},
		{"[][]byte", "[" + ph1 + ",null," + ph0 + "]", new([][]byte), [][]byte{b, nil, a}},
		{"[]named", "[" + ph1 + "]", new([]named), []named{named(b)}},
		{"[]*[]byte", "[" + ph1 + ",null]", new([]*[]byte), []*[]byte{&b, nil}},
		{"[2][]byte", "[" + ph1 + "]", new([2][]byte), [2][]byte{b}},
		{"map[string][]byte", `{"x":` + ph0 + "}", new(map[string][]byte), map[string][]byte{"x": a}},
		{"map[int]named", `{"7":` + ph0 + "}", new(map[int]named), map[int]named{7: named(a)}},
		{
			"struct", `{"name":"n","data":` + ph0 + `,"inner":{"named":` + ph1 + `,"any":[` + ph0 + `],"ptr":` + ph1 + `},"map":{"k":` + ph0 + `},"list":[` + ph1 + `],"array":[` + ph0 + "," + ph1 + "]}",
			new(message), message{
				Name: "n", Data: a, Inner: &inner{Named: named(b), Any: []any{a}, Ptr: &b}, Map: map[string]named{"k": named(a)}, List: [][]byte{b}, Array: [2][]byte{a, b},
			},
		},
		{"case of names", `{"DATA":` + ph0 + "}", new(message), message{Data: a}},
		{"raw JSON", ph0, new(json.RawMessage), json.RawMessage(ph0)},
		{"raw JSON in a struct with binary data", `{"R":[ ` + ph0 + ` ],"B":` + ph1 + "}", new(rawAndBytes), rawAndBytes{R: json.RawMessage("[ " + ph0 + " ]"), B: b}},
		{"a type that unmarshals itself", ph0, new(pointerMarshaler), pointerMarshaler{len(ph0)}},
		{"the same attachment twice", "[" + ph0 + "," + ph0 + "]", new([]any), []any{a, a}},
		{"placeholder in white space", " { \"num\" : 1.0 ,\n\"_placeholder\" : true } ", new([]byte), b},
		{"placeholder with escapes in its keys", `{"\u005fplaceholder":true,"n\u0075m":0}`, new([]byte), a},
		{"placeholder with other members", `{"_placeholder":true,"x":[{}],"num":1}`, new([]byte), b},
		{"placeholder within a placeholder", `{"_placeholder":true,"x":{"_placeholder":true,"num":9},"num":1}`, new(any), any(b)},
		{"no placeholder", `{"_placeholder":"true","num":0}`, new(any), any(map[string]any{"_placeholder": "true", "num": 0.0})},
		{"base64 for a []byte", `["YQ==",` + ph0 + "]", new([][]byte), [][]byte{[]byte("a"), a}},
		{"base64 for a named one", `["YQ==",` + ph0 + "]", new([]named), []named{named("a"), named(a)}},
		{"numbers for a []byte", "[[1,2]," + ph0 + "]", new([][]byte), [][]byte{{1, 2}, a}},
		{"null for a []byte", "[null," + ph0 + "]", new([][]byte), [][]byte{nil, a}},
		{"embedded", `{"data":` + ph0 + `,"children":[{"data":` + ph1 + "}]}", new(struct{ recursive }), struct{ recursive }{recursive{Data: a, Children: []*recursive{{Data: b}}}}},
		{"json.Number", `{"N":1.50,"B":` + ph0 + "}", new(numberAndBytes), numberAndBytes{N: "1.50", B: a}},
		{"json.Number in a string", `{"N":"12","B":` + ph0 + "}", new(numberAndBytes), numberAndBytes{N: "12", B: a}},
		{"json.Number null", `{"N":null,"B":` + ph0 + "}", new(numberAndBytes), numberAndBytes{B: a}},
		{"json.Number as a key", `{"M":{"x":1},"B":` + ph0 + "}", new(numberAndBytes), numberAndBytes{M: map[json.Number]int{"x": 1}, B: a}},
		{"time", `{"T":"2024-02-29T12:30:00Z","D":5,"B":` + ph0 + "}", new(timeAndBytes), timeAndBytes{T: time.Date(2024, 2, 29, 12, 30, 0, 0, time.UTC), D: 5, B: a}},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			if err := Decode([]byte(tc.raw), [][]byte{a, b}, tc.into); err != nil {
				t.Fatalf("Decode(%s): %v", tc.raw, err)
			}
			got := reflect.ValueOf(tc.into).Elem().Interface()
			if diff := cmp.Diff(tc.want, got, cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
				t.Errorf("Decode(%s) (-want +got):\n%s", tc.raw, diff)
			}
		})
	}
}

type (
	namedAny    any
	rawAndBytes struct {
		R json.RawMessage
		B []byte
	}
	numberAndBytes struct {
		N json.Number
		M map[json.Number]int
		B []byte
	}
	timeAndBytes struct {
		T time.Time
		D time.Duration
		B []byte
	}
)

func TestDecodeDoesNotCopyAttachments(t *testing.T) {
	a := []byte("data")
	var got struct{ A, B []byte }
	if err := Decode([]byte(`{"A":`+ph0+`,"B":`+ph0+"}"), [][]byte{a}, &got); err != nil {
		t.Fatal(err)
	}
	if &got.A[0] != &a[0] || &got.B[0] != &a[0] {
		t.Error("the attachment was copied")
	}
}

func TestDecodeIntoWhatIsThere(t *testing.T) {
	a := []byte("data")
	target := numberAndBytes{N: "1"}
	var v any = &target
	if err := Decode([]byte(`{"B":`+ph0+"}"), [][]byte{a}, &v); err != nil {
		t.Fatal(err)
	}
	if string(target.B) != "data" || target.N != "1" || v != any(&target) {
		t.Errorf("decoded %+v, any holds %T", target, v)
	}
	if err := Decode([]byte("null"), [][]byte{a}, &v); err != nil || v != nil {
		t.Errorf("null gave %v, %v", v, err)
	}

	holder := struct {
		V interface{ UnmarshalJSON([]byte) error }
	}{&pointerMarshaler{}}
	if err := Decode([]byte(`{"V":`+ph0+"}"), [][]byte{a}, &holder); err != nil || holder.V.(*pointerMarshaler).A != len(ph0) {
		t.Errorf("an interface that holds what unmarshals itself: %+v, %v", holder.V, err)
	}

	var old any = 5
	if err := Decode([]byte(ph0), [][]byte{a}, &old); err != nil || !bytes.Equal(old.([]byte), a) {
		t.Errorf("an any that held a number: %v, %v", old, err)
	}

	m := map[string]any{"keep": 1, "replace": 2}
	if err := Decode([]byte(`{"replace":`+ph0+"}"), [][]byte{a}, &m); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"keep": 1, "replace": a}, m); diff != "" {
		t.Errorf("map (-want +got):\n%s", diff)
	}
}

// A struct that embeds one of an unexported type under a name of its own needs
// care, see kind.sealed.
func TestSealedTypes(t *testing.T) {
	type sealed struct {
		hidden `json:"hidden"`
		Data   []byte
		Any    any
		F      float64
		N      json.Number
	}
	type shape interface{}
	value := sealed{hidden: hidden{"v"}, Data: []byte("a"), Any: []any{[]byte("b")}, F: math.NaN(), N: "5"}
	const want = `{"hidden":{"Visible":"v"},"Data":` + ph0 + `,"Any":[` + ph1 + `],"F":null,"N":5}`
	for _, v := range []any{value, &value, shape(&value), []any{value}, []sealed{value}, struct{ V any }{value}, struct{ V interface{ seal() } }{sealer{value}}} {
		text, atts, err := AppendJSON(nil, nil, v)
		if err != nil || !strings.Contains(string(text), want) || len(atts) != 2 {
			t.Errorf("AppendJSON(%T) = %s, %d attachments, %v", v, text, len(atts), err)
		}
	}
	if _, _, err := AppendJSON(nil, nil, struct{ V any }{struct {
		sealed
		C chan int
	}{}}); !errors.Is(err, ErrEncode) {
		t.Errorf("a channel in a sealed type: %v", err)
	}

	check := func(got sealed, err error) {
		t.Helper()
		if err != nil || got.Visible != "v" || string(got.Data) != "a" || !reflect.DeepEqual(got.Any, []any{[]byte("b")}) || got.N != "5" {
			t.Errorf("decoded %+v, %v", got, err)
		}
	}
	atts := [][]byte{[]byte("a"), []byte("b")}
	var direct sealed
	err := Decode([]byte(want), atts, &direct)
	check(direct, err)
	var behind sealed
	holder := struct{ V any }{&behind}
	err = Decode([]byte(`{"V":`+want+"}"), atts, &holder)
	check(behind, err)
	if err := Decode([]byte(`{"V":null, "W":{}}`), atts, &holder); err != nil || holder.V != nil {
		t.Errorf("null behind an any: %v, %v", holder.V, err)
	}
}

type sealer struct{ V any }

func (sealer) seal() {}

func TestDecodeRefuses(t *testing.T) {
	atts := [][]byte{[]byte("a")}
	var s string
	for _, tc := range []struct {
		rule, raw string
		into      any
	}{
		{"no JSON", "{", new(any)},
		{"nothing", "", new(string)},
		{"two values", `"a" "b"`, new(string)},
		{"wrong type", `"a"`, new(int)},
		{"fraction into an int", "1.5", new(int)},
		{"overflow of an int8", "300", new(int8)},
		{"overflow of an int", "9223372036854775808", new(int)},
		{"overflow of a float", "1e999", new(float64)},
		{"overflow in an any", "[1e999,{}]", new(any)},
		{"object into a []byte", `{"a":1}`, new([]byte)},
		{"object into a named one", `[{"a":1}]`, new([]named)},
		{"string that is no base64", `"%"`, new([]byte)},
		{"placeholder into a string", ph0, new(string)},
		{"placeholder into an int", "[" + ph0 + "]", new([]int)},
		{"placeholder out of range", ph1, new([]byte)},
		{"placeholder out of range, deep", `{"a":[` + ph1 + "]}", new(any)},
		{"placeholder without num", `{"_placeholder":true}`, new(any)},
		{"placeholder with a string", `{"_placeholder":true,"num":"0"}`, new(named)},
		{"placeholder with a fraction", `{"_placeholder":true,"num":0.5}`, new(any)},
		{"broken JSON behind a placeholder", "[" + ph0, new([]any)},
		{"broken object", `{"a":` + ph0 + `,`, new(any)},
		{"broken object", `{"a" ` + ph0, new(any)},
		{"broken string", `{"a":"` + "\n" + `"}`, new(any)},
		{"nothing to decode into", `{"V":{"a":1}}`, new(struct{ V interface{ M() } })},
		{"string that is no json.Number", `{"N":"x"}`, new(numberAndBytes)},
		{"too deep", strings.Repeat(`{"a":`, maxDepth+1) + "1" + strings.Repeat("}", maxDepth+1), new(any)},
		{"no pointer", `"a"`, s},
		{"nil", `"a"`, nil},
		{"nil *string", `"a"`, (*string)(nil)},
		{"nil *int", "1", (*int)(nil)},
		{"nil *int64", "1", (*int64)(nil)},
		{"nil *float64", "1", (*float64)(nil)},
		{"nil *bool", "true", (*bool)(nil)},
		{"nil *any", ph0, (*any)(nil)},
		{"no pointer, with binary data", ph0, []byte(nil)},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			if err := Decode([]byte(tc.raw), atts, tc.into); !errors.Is(err, ErrDecode) {
				t.Errorf("Decode(%.100s, %T) = %v, want ErrDecode", tc.raw, tc.into, err)
			}
		})
	}
}

// checkDecode compares Decode, with and without attachments, with encoding/json.
// Errors must come from both or from none; what was decoded before an error is
// of no use.
func checkDecode(t *testing.T, raw []byte) {
	t.Helper()
	for _, target := range []any{
		"", 0, int64(0), int8(0), 0.0, float32(0), false, any(nil), []any(nil), map[string]any(nil), []byte(nil), named(nil), json.RawMessage(nil), json.Number(""),
		outer{}, recursive{}, []int(nil), [2]any{}, map[string]int(nil), map[int]named(nil), rawAndBytes{}, numberAndBytes{}, timeAndBytes{}, []*any(nil), [][]byte(nil), struct{ A, B string }{},
		letters(nil), []textMarshaler(nil), map[textMarshaler]any(nil),
	} {
		typ := reflect.TypeFor[any]()
		if target != nil {
			typ = reflect.TypeOf(target)
		}
		want, got, viaBinary := reflect.New(typ), reflect.New(typ), reflect.New(typ)
		wantErr := json.Unmarshal(raw, want.Interface())
		if err := Decode(raw, nil, got.Interface()); (err == nil) != (wantErr == nil) {
			t.Errorf("Decode(%.200q, %v): %v; encoding/json: %v", raw, typ, err, wantErr)
			continue
		}
		binaryErr := decodeBinary(raw, nil, viaBinary.Interface())
		if bytes.Contains(raw, []byte("holder")) || bytes.Contains(raw, []byte(`\u`)) {
			continue // placeholders are errors, as there are no attachments
		}
		if (binaryErr == nil) != (wantErr == nil) {
			t.Errorf("decodeBinary(%.200q, %v): %v; encoding/json: %v", raw, typ, binaryErr, wantErr)
			continue
		}
		if wantErr != nil {
			continue
		}
		if !reflect.DeepEqual(got.Elem().Interface(), want.Elem().Interface()) {
			t.Errorf("Decode(%.200q, %v) = %#v\nencoding/json: %#v", raw, typ, got.Elem(), want.Elem())
		}
		if !reflect.DeepEqual(viaBinary.Elem().Interface(), want.Elem().Interface()) {
			t.Errorf("decodeBinary(%.200q, %v) = %#v\nencoding/json: %#v", raw, typ, viaBinary.Elem(), want.Elem())
		}
	}
}

var decodable = []string{
	"null", "true", "false", `""`, `"a"`, `"é€😀"`, `"\u00e9\ud83d\ude00\ud800"`, "\"\xff\"", `"a\nb"`, `"YWJj"`, `"YWJ"`, `"12"`, `"2024-02-29T12:30:00Z"`,
	"0", "-0", "1", "-1", "12", "127", "128", "-128", "-129", "255", "256", "1.0", "1.5", "1e2", "-1.5e-7", "1e400", "3.5e38", "3.4e38",
	"999999999999999999", "1000000000000000000", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "-999999999999999999",
	"[]", "[1,2]", "[1,2,3]", `["a"]`, `[null]`, `[[1],[2]]`, `[true]`, "[256]", "[-1]", "[1.5]",
	"{}", `{"a":1}`, `{"A":"x","b":"y"}`, `{"a":"x","A":"z"}`, `{"1":"YQ=="}`, `{"promoted":3,"Shadowed":"s","Skipped":1,"-":2,"Quoted":"3","QuotedS":"\"q\"","zero":1,"empty":[1],"Any":{"a":[1]},"point":{"X":1,"y":2},"Visible":"v","EmptyP":{"x":1},"EmptyM":{"a":1}}`,
	`{"Quoted":3}`, `{"Quoted":"x"}`, `{"QuotedS":"x"}`, `{"data":"YQ==","children":[{"data":[1]},null,{"children":[]}]}`, `{"R":[ 1 ],"B":null}`, `{"N":1.50,"M":{"1":1}}`, `{"N":"5"}`, `{"N":"x"}`, `{"T":"2024-02-29T12:30:00Z","D":5}`, `{"T":5}`,
	` [ 1 , { "a" : [ ] } ] `, " 1 ", " true", ` "a" `, "tru", "1x", `"a`, "[1", `{"a"}`, "", "-", "01", "[1,]",
}

func TestDecodeAgreesWithEncodingJSON(t *testing.T) {
	for _, s := range decodable {
		checkDecode(t, []byte(s))
	}
	for _, v := range values() {
		checkDecode(t, marshalStd(t, v))
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range decodable {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) { checkDecode(t, raw) })
}

// Whatever the payload and the attachments are, decoding them ends well, and
// agrees with the check of the placeholders.
func FuzzDecodeAttachments(f *testing.F) {
	f.Add([]byte(`["a",{"_placeholder":true,"num":0}]`), uint8(1))
	f.Add([]byte(`[{"a":{"_placeholder":true,"num":0},"_placeholder":true},{"_placeholder":true,"num":9},{"_placeholder":false}]`), uint8(1))
	f.Add([]byte(`[{"_placeholder":true,"num":1,"a":[{"num":2,"\u005fplaceholder":true}]}]`), uint8(2))
	f.Fuzz(func(t *testing.T, raw []byte, n uint8) {
		atts := make([][]byte, n%16)
		for i := range atts {
			atts[i] = []byte{byte(i)}
		}
		for _, v := range []any{new([]byte), new(named), new(recursive), new(outer), new(map[string][]byte), new([]rawAndBytes), new(*[2]any)} {
			_ = Decode(raw, atts, v)
		}
		var v any
		if _, ok := SplitArray(nil, raw); !ok || len(atts) == 0 || json.Unmarshal(raw, &v) != nil {
			return
		}
		if got, want := Decode(raw, atts, &v) == nil, validPlaceholders(raw, len(atts)); got != want {
			t.Errorf("Decode(%q) succeeds: %v, the check: %v", raw, got, want)
		}
		var short, long any
		err, longErr := Decode(raw, atts, &short), decodeBinary(raw, atts, &long)
		if (err == nil) != (longErr == nil) || !reflect.DeepEqual(short, long) {
			t.Errorf("Decode(%q) = %#v, %v; decodeBinary: %#v, %v", raw, short, err, long, longErr)
		}
	})
}

// The short way of values without a type, and what it declines, are encoding/json's answers.
func TestDecodeAnyIsThatOfEncodingJSON(t *testing.T) {
	long := strings.Repeat("x", 2*manyBytes)
	for _, raw := range []string{
		`""`, `"a"`, `"é"`, `"a\nb"`, "\"a\nb\"", `"a"b"`, `"`, `"\"`, `"` + long + `"`, `"` + long + `é"`, `"` + long + `\u00e9"`, `"` + long + "\x01\"",
		"0", "-0", "7", "-7", "1.5", "-1e3", "01", "-", "+1", "1e400", "9007199254740993", "-9007199254740993", "999999999999999999", "1234567890123456789", " 1", "1 ", "1x",
		"null", "nul", "nulL", "true", "True", "tru", "false", "falsy", "", " ", "[1]", `{"a":1}`, "undefined",
	} {
		var want, got any
		failed := json.Unmarshal([]byte(raw), &want) != nil
		if err := Decode([]byte(raw), nil, &got); (err != nil) != failed {
			t.Errorf("Decode(%q): %v", raw, err)
		}
		if failed {
			continue
		}
		wantBits, _ := want.(float64)
		gotBits, _ := got.(float64)
		if !reflect.DeepEqual(got, want) || math.Signbit(gotBits) != math.Signbit(wantBits) {
			t.Errorf("Decode(%q) = %#v, want %#v", raw, got, want)
		}
	}
	for _, text := range []string{"\xff", long + "\xff", long + "é\xc3"} { // U+FFFD, as JavaScript reads it
		var got any
		if err := Decode([]byte(`"`+text+`"`), nil, &got); err != nil || got != strings.ToValidUTF8(text, "\uFFFD") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}
