package accept

import "testing"

func TestEncoding(t *testing.T) {
	for _, c := range []struct{ header, want string }{
		{"", ""},
		{"gzip", "gzip"},
		{"deflate", "deflate"},
		{"GZIP", "gzip"},
		{"gzip,br,deflate", "gzip"},
		{"br", ""},
		{"br, gzip", "gzip"},
		{"deflate, gzip", "deflate"},
		{"deflate;q=0.5, gzip;q=0.9", "gzip"},
		{"gzip;q=0.5, deflate;q=0.9", "deflate"},
		{"gzip;q=0, deflate;q=0", ""},
		{"gzip;q=0", ""},
		{"*", "gzip"},
		{"*;q=0", ""},
		{"gzip;q=0, *", "deflate"},
		{"*, gzip;q=0", "deflate"},
		{"*, deflate", "deflate"},
		{"*;q=0.1, deflate;q=0", "gzip"},
		{"identity", ""},
		{"identity, gzip;q=0.5", "gzip"},
		{"gzip;q=x", ""},
		{"gzip;q=NaN", ""},
		{"gzip;q=2", ""},
		{"gzip;q=-1", ""},
		{"gzip; q=0.000", ""},
		{"gzip ; q=1.0 ; x=y", "gzip"},
		{"gzip;x=y;q=0", ""},
		{",,;;=,gzip", "gzip"},
		{"x-gzip", ""},
		{"gzip;q=0, gzip", ""},
	} {
		if got := Encoding(c.header); got != c.want {
			t.Errorf("Encoding(%q) = %q, want %q", c.header, got, c.want)
		}
	}
}

func FuzzEncoding(f *testing.F) {
	f.Add("gzip;q=0.5, *;q=0")
	f.Fuzz(func(t *testing.T, header string) {
		switch got := Encoding(header); got {
		case Gzip, Deflate, Identity:
		default:
			t.Errorf("Encoding(%q) = %q", header, got)
		}
	})
}
