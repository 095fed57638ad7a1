package protocol

import "testing"

func TestEventName(t *testing.T) {
	for _, tc := range []struct {
		raw, want string
		plain     bool // NameBytes knows it
	}{
		{`"message"`, "message", true},
		{`""`, "", true},
		{`"é€"`, "é€", true},
		{`"a\"b"`, `a"b`, false},
		{`"\u0063onnect"`, "connect", false},
		{`"\ud83d\ude00"`, "😀", false},
		{`"\\"`, `\`, false},
		{"0", "0", true},
		{"1", "1", true},
		{"42", "42", true},
		{"123456789012345", "123456789012345", true},
		// From here on, String(n) in Node 20.
		{"-1", "-1", false},
		{"-0", "0", false},
		{"1.0", "1", false},
		{"1.50", "1.5", false},
		{"1e3", "1000", false},
		{"1E21", "1e+21", false},
		{"1e-7", "1e-7", false},
		{"9007199254740993", "9007199254740992", false},
		{"1e999", "Infinity", false},
		{"-1e999", "-Infinity", false},
		{"1e-999", "0", false},
		// No names.
		{"", "", false},
		{"null", "", false},
		{"[1]", "", false},
		{`"`, "", false},
		{`"a`, "", false},
		{`"\x"`, "", false},
		{"01", "", false},
		{"1x", "", false},
		{"-", "", false},
	} {
		if got := EventName([]byte(tc.raw)); got != tc.want {
			t.Errorf("EventName(%s) = %q, want %q", tc.raw, got, tc.want)
		}
		name, ok := NameBytes([]byte(tc.raw))
		if ok != tc.plain || ok && string(name) != tc.want {
			t.Errorf("NameBytes(%s) = %q, %v; want %v", tc.raw, name, ok, tc.plain)
		}
	}
}

func TestIsReserved(t *testing.T) {
	t.Attr("covers", "easy/37 abuse/CVE-2024-38355")
	for _, name := range []string{"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"} {
		if !IsReserved(name) {
			t.Errorf("%s is not reserved", name)
		}
	}
	for _, name := range []string{"", "error", "connection", "Connect", "connect ", "new_namespace", "constructor", "__proto__"} {
		if IsReserved(name) {
			t.Errorf("%s is reserved", name)
		}
	}
}
