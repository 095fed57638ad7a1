package main

import (
	"fmt"
	"html"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// colours of the servers, told apart by people who see colours differently too.
var colours = map[string]string{"ours": "#0072b2", "portable": "#56b4e9", "node": "#e69f00", "peer": "#cc79a7", "raw": "#777777", "epoll": "#222222", "poll": "#d55e00"}

// drawing is an SVG picture.
type drawing struct {
	strings.Builder
	width, height int
}

func newDrawing(width, height int, title string) *drawing {
	d := &drawing{width: width, height: height}
	fmt.Fprintf(d, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="system-ui, sans-serif" font-size="13">`+"\n", width, height)
	fmt.Fprintf(d, `<rect width="%d" height="%d" rx="8" fill="#ffffff"/>`+"\n", width, height)
	d.text(24, 34, "start", `font-size="17" font-weight="600" fill="#111"`, title)
	return d
}

func (d *drawing) text(x, y float64, anchor, style, s string) {
	fmt.Fprintf(d, `<text x="%.1f" y="%.1f" text-anchor="%s" %s>%s</text>`+"\n", x, y, anchor, style, html.EscapeString(s))
}

func (d *drawing) line(x1, y1, x2, y2 float64, style string) {
	fmt.Fprintf(d, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" %s/>`+"\n", x1, y1, x2, y2, style)
}

func (d *drawing) dot(x, y float64, colour string, hollow bool) {
	fill := colour
	if hollow {
		fill = "#ffffff"
	}
	fmt.Fprintf(d, `<circle cx="%.1f" cy="%.1f" r="5.5" fill="%s" stroke="%s" stroke-width="2"/>`+"\n", x, y, fill, colour)
}

func (d *drawing) save(dir, name string) error {
	fmt.Fprintln(d, "</svg>")
	return os.WriteFile(filepath.Join(dir, name+".svg"), []byte(d.String()), 0o644)
}

// legend names the servers in a row.
func (d *drawing) legend(x, y float64, names []string) {
	for _, n := range names {
		s := serverNamed(n)
		d.dot(x, y-4, colours[n], s.floor)
		d.text(x+12, y, "start", `fill="#333"`, s.title)
		x += 40 + 7*float64(len(s.title))
	}
}

// axis maps values to places, on a logarithmic scale or a linear one.
type axis struct {
	low, high float64 // values
	from, to  float64 // places
	log       bool
}

func (a axis) at(v float64) float64 {
	f := (v - a.low) / (a.high - a.low)
	if a.log {
		f = math.Log(v/a.low) / math.Log(a.high/a.low)
	}
	return a.from + f*(a.to-a.from)
}

// ticks are round values along the axis.
func (a axis) ticks() (list []float64) {
	if a.log {
		for p := math.Pow(10, math.Floor(math.Log10(a.low))); p <= a.high*1.001; p *= 10 {
			for _, m := range []float64{1, 2, 5} {
				if v := m * p; v >= a.low*.999 && v <= a.high*1.001 {
					list = append(list, v)
				}
			}
		}
		return list
	}
	step := math.Pow(10, math.Floor(math.Log10(a.high-a.low)))
	for (a.high-a.low)/step < 4 {
		step /= 2
	}
	for v := math.Ceil(a.low/step) * step; v <= a.high*1.001; v += step {
		list = append(list, v)
	}
	return list
}

func label(v float64) string {
	switch {
	case v >= 1000:
		return fmt.Sprintf("%gk", v/1000)
	case v == math.Trunc(v):
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.2g", v)
}

const (
	faint = `stroke="#e3e3e3"`
	small = `font-size="12" fill="#666"`
)

// plots draws everything into a folder.
func (b *bench) plots(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := b.costs(dir); err != nil {
		return err
	}
	for _, c := range b.curves {
		if err := c.draw(dir); err != nil {
			return err
		}
	}
	return nil
}

// costs draws the CPU time of an operation, scenario by scenario.
func (b *bench) costs(dir string) error {
	const left, right, top, row = 230, 850, 106, 34
	rows := make([]scenario, 0, len(scenarios))
	low, high := math.Inf(1), 0.0
	for _, s := range scenarios {
		if s.idle || s.args == nil {
			continue
		}
		rows = append(rows, s)
		for _, v := range servers {
			if m, _, _ := median(b.cells[key{s.name, v.name}], cost); m > 0 {
				low, high = min(low, m), max(high, m)
			}
		}
	}
	x := axis{low: low / 1.2, high: high * 1.2, from: left, to: right, log: true}
	d := newDrawing(880, top+row*len(rows)+50, "Server CPU of an operation, µs (less is better, logarithmic)")
	d.legend(30, 62, []string{"ours", "node", "peer"})
	d.legend(30, 84, []string{"raw", "epoll", "poll"})
	bottom := float64(top + row*len(rows))
	for _, v := range x.ticks() {
		d.line(x.at(v), top-8, x.at(v), bottom, faint)
		d.text(x.at(v), bottom+20, "middle", small, label(v))
	}
	for i, s := range rows {
		y := float64(top + row*i + row/2)
		d.text(left-14, y+4, "end", `fill="#222"`, s.name)
		d.line(left, y, right, y, faint)
		for j := len(servers) - 1; j >= 0; j-- { // ours on top
			if m, _, _ := median(b.cells[key{s.name, servers[j].name}], cost); m > 0 {
				d.dot(x.at(m), y, colours[servers[j].name], servers[j].floor)
			}
		}
	}
	return d.save(dir, "cost")
}

// draw draws a curve.
func (c *curve) draw(dir string) error {
	const left, right, top, bottom = 80, 690, 90, 340
	var all []point
	for _, p := range c.points {
		all = append(all, p...)
	}
	if len(all) == 0 {
		return nil
	}
	x := axis{low: float64(c.at[0]) / 1.15, high: float64(c.at[len(c.at)-1]) * 1.15, from: left, to: right, log: true}
	y := axis{from: bottom, to: top, log: c.log}
	for i, p := range all {
		if i == 0 || p.y < y.low {
			y.low = p.y
		}
		y.high = max(y.high, p.y)
	}
	if y.high *= 1.1; c.log {
		y.low /= 1.3
	} else {
		y.low = 0
	}
	d := newDrawing(720, 400, c.title)
	d.legend(30, 62, c.servers)
	for _, v := range y.ticks() {
		d.line(left, y.at(v), right, y.at(v), faint)
		d.text(left-8, y.at(v)+4, "end", small, label(v))
	}
	for _, n := range c.at {
		d.text(x.at(float64(n)), bottom+20, "middle", small, label(float64(n)))
	}
	d.text((left+right)/2, bottom+44, "middle", small, c.x)
	fmt.Fprintf(d, `<text transform="translate(22 %d) rotate(-90)" text-anchor="middle" %s>%s</text>`+"\n", (top+bottom)/2, small, html.EscapeString(c.y))
	for i := len(c.servers) - 1; i >= 0; i-- {
		name := c.servers[i]
		points := c.points[name]
		var path strings.Builder
		for _, p := range points {
			fmt.Fprintf(&path, "%.1f,%.1f ", x.at(p.x), y.at(p.y))
		}
		fmt.Fprintf(d, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.TrimSpace(path.String()), colours[name])
		for _, p := range points {
			d.dot(x.at(p.x), y.at(p.y), colours[name], serverNamed(name).floor)
		}
	}
	return d.save(dir, c.name)
}
