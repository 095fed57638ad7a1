package engineio_test

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/gosocketio/socketio/engineio"
)

// Only what trusted proxies added to the headers counts; a client cannot say where it comes from.
func TestClientIP(t *testing.T) {
	const xff, forwarded = "X-Forwarded-For", "Forwarded"
	proxies := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}
	for _, test := range []struct {
		name    string
		trusted []netip.Prefix
		header  string
		values  []string
		want    string
	}{
		{"no header", proxies, "", nil, "127.0.0.1"},
		{"nobody is trusted", nil, xff, []string{"1.2.3.4"}, "127.0.0.1"},
		{"the peer is not trusted", proxies[1:], xff, []string{"1.2.3.4"}, "127.0.0.1"},
		{"one hop", proxies, xff, []string{"1.2.3.4"}, "1.2.3.4"},
		{"invented by the client", proxies, xff, []string{"6.6.6.6, 1.2.3.4"}, "1.2.3.4"},
		{"two proxies", proxies, xff, []string{"6.6.6.6, 1.2.3.4, 10.1.1.1"}, "1.2.3.4"},
		{"two headers", proxies, xff, []string{"1.2.3.4", "10.1.1.1"}, "1.2.3.4"},
		{"all trusted", proxies, xff, []string{"10.2.2.2, 10.1.1.1"}, "10.2.2.2"},
		{"garbage", proxies, xff, []string{"1.2.3.4, <script>, 10.1.1.1"}, "10.1.1.1"},
		{"empty", proxies, xff, []string{""}, "127.0.0.1"},
		{"commas", proxies, xff, []string{",,,"}, "127.0.0.1"},
		{"with a port", proxies, xff, []string{"1.2.3.4:5678"}, "1.2.3.4"},
		{"IPv6", proxies, xff, []string{"2001:db9::1"}, "2001:db9::1"},
		{"IPv6 in brackets", proxies, xff, []string{"[2001:db9::1]:80, [2001:db8::1]"}, "2001:db9::1"},
		{"IPv4 in IPv6", proxies, xff, []string{"1.2.3.4, ::ffff:10.0.0.1"}, "1.2.3.4"},
		{"Forwarded", proxies, forwarded, []string{`for=6.6.6.6, For="[2001:db9::1]:99";proto=https;by=10.0.0.1, for=10.0.0.2`}, "2001:db9::1"},
		{"Forwarded, hidden", proxies, forwarded, []string{`for=1.2.3.4, for=_hidden, for=10.0.0.2`}, "10.0.0.2"},
		{"Forwarded without for", proxies, forwarded, []string{`proto=https`}, "127.0.0.1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := start(t, engineio.Config{TrustedProxies: test.trusted})
			r, err := http.NewRequestWithContext(t.Context(), "GET", s.url+"?EIO=4&transport=polling", nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range test.values {
				r.Header.Add(test.header, v)
			}
			if got, err := s.do(r); err != nil || got.status != 200 {
				t.Fatalf("%+v, %v", got, err)
			}
			if got := next(t, s.sessions).Handshake().ClientIP().String(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
