package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// filled is a bench that has measured: ours twice as dear as the floors, half as dear as the others.
func filled() *bench {
	b := &bench{cells: make(map[key][]sample)}
	for _, s := range scenarios {
		for _, v := range servers {
			if s.has(v) {
				c := map[bool]float64{true: 5, false: 20}[v.floor]
				if v.name == s.ours() {
					c = 10
				}
				one := func(c float64) sample { return sample{cost: c, memory: 300 * c, busy: c, p99: 60 * c, rate: 1000} }
				b.cells[key{s.name, v.name}] = []sample{one(c * 3), one(c), one(c / 2)}
			}
		}
	}
	for _, c := range curves {
		c.points = make(map[string][]point)
		for _, name := range c.servers {
			for _, n := range c.at {
				c.points[name] = append(c.points[name], point{float64(n), float64(n) / 7})
			}
		}
		b.curves = append(b.curves, c)
	}
	return b
}

// Medians, ratios and goals stand in the table.
func TestTable(t *testing.T) {
	b := filled()
	if mid, low, high := b.figure(scenarios[0], "ours"); mid != 10 || low != 5 || high != 30 {
		t.Errorf("median %v %v %v", mid, low, high)
	}
	for _, want := range []string{
		"| echo 32 B, 1 outstanding | 10.0 µs <sub>5.00–30.0</sub> | 2.00 × (goal 1.25) | **0.50 ×** (goal 0.68) | 0.50 × (goal 0.45) |",
		"| memory of an idle connection | 3000 bytes (goal 2500) <sub>1500–9000</sub> | 2.00 × | 0.50 × (goal 0.15) |",
		"| the same in portable mode | **3000 bytes** (goal 6000) <sub>1500–9000</sub> | 2.00 × | 0.50 × (goal 0.36) |",
		"| CPU of 10,000 idle connections | 10.0 % of a core <sub>5.00–30.0</sub> | 2.00 × (goal 1.30) | **0.50 ×** (goal 0.60) |",
		"| p99 of 32 B, 16 outstanding | 600.0 µs <sub>300.0–1800</sub> | **2.00 ×** (goal 3.00) |",
	} {
		if !strings.Contains(b.table(), want) {
			t.Errorf("%q is not in\n%s", want, b.table())
		}
	}
	delete(b.cells, key{scenarios[0].name, "peer"})
	if !strings.Contains(b.table(), "(goal 0.68) | – |") {
		t.Errorf("a missing cell:\n%s", b.table())
	}
}

// Twice what a core gets done with an operation's CPU time on both.
func TestCores(t *testing.T) {
	b := filled()
	b.both = map[key][]sample{{scaled[0], "ours"}: {{cost: 12.5, busy: 120}}, {scaled[1], "ours"}: {{cost: 11.76, busy: 110}}}
	for _, want := range []string{
		"| " + scaled[0] + " | ours | 10.0 µs | 12.5 µs | 1.60 × | 120 % |\n",
		"| " + scaled[1] + " | ours | 10.0 µs | 11.8 µs | **1.70 ×** | 110 % |\n",
	} {
		if !strings.Contains(b.cores(), want) {
			t.Errorf("%q is not in\n%s", want, b.cores())
		}
	}
	if strings.Contains(b.cores(), scaled[2]) {
		t.Errorf("what was not measured:\n%s", b.cores())
	}
	for _, name := range scaled {
		if !slices.ContainsFunc(scenarios, func(s scenario) bool { return s.name == name }) {
			t.Errorf("there is no scenario %q", name)
		}
	}
}

// The pictures are XML, and nothing of them is infinite or no number.
func TestPlots(t *testing.T) {
	dir := t.TempDir()
	if err := filled().plots(dir); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.svg"))
	if err != nil || len(files) != 1+len(curves) {
		t.Fatalf("%d pictures, %v", len(files), err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for d := xml.NewDecoder(strings.NewReader(string(text))); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", f, err)
			}
		}
		if s := string(text); strings.Contains(s, "NaN") || strings.Contains(s, "Inf") {
			t.Errorf("%s: a number that is none", f)
		}
	}
}

// The README's table is replaced, and nothing else.
func TestReadme(t *testing.T) {
	b := filled()
	path := filepath.Join(t.TempDir(), "README.md")
	for _, text := range []string{"a\n" + beginMark + "\nold\n" + endMark + "\nz\n", "a\n" + beginMark + endMark + "\nz\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := b.readme(path); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if want := "a\n" + beginMark + "\n" + b.short() + endMark + "\nz\n"; err != nil || string(got) != want {
			t.Errorf("got %q, %v", got, err)
		}
	}
	if err := os.WriteFile(path, []byte("no place"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := b.readme(path); err == nil {
		t.Error("no error without the marks")
	}
}

// A peer whose toolchain is missing is said in one line.
func TestPeersMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	b := &bench{options: options{root: t.TempDir()}}
	for _, p := range peers {
		err := p.build(t.Context(), b)
		if err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", p.name, err)
		}
	}
	servers := besidePeers()
	if len(servers) != 2+len(peers) || servers[0].name != "ours" || servers[0].start == nil {
		t.Errorf("%+v", servers)
	}
}
