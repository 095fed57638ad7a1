//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"
)

// expressions returns what the dashboard asks Prometheus for, with values for its variables.
func expressions(t *testing.T) (list []string) {
	t.Helper()
	var dashboard struct {
		Panels []struct {
			Title, Type string
			Targets     []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, "grafana/dashboard.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	for _, p := range dashboard.Panels {
		if len(p.Targets) == 0 && p.Type != "row" {
			t.Errorf("the panel %q asks for nothing", p.Title)
		}
		for _, x := range p.Targets {
			list = append(list, strings.NewReplacer("$node", ".*", "$__rate_interval", "1m").Replace(x.Expr))
		}
	}
	if len(list) < 20 {
		t.Fatalf("only %d expressions were found", len(list))
	}
	return list
}

// The dashboard and the alerts ask for metrics that there are.
func TestMetricsExist(t *testing.T) {
	page := read(t, root+"/docs/observability.md")
	documented := make(map[string]bool) // observe/prometheus tests that these are the metrics
	for _, m := range regexp.MustCompile("(?m)^\\| `(socketio_\\w+)`").FindAllStringSubmatch(page, -1) {
		documented[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(alertRules, -1) {
		if !strings.Contains(page, "\n| `"+m[1]+"` |") {
			t.Errorf("docs/observability.md has no alert %s", m[1])
		}
	}
	used := make(map[string]bool)
	for _, text := range append(expressions(t), alertRules) {
		for _, name := range regexp.MustCompile(`socketio_\w+`).FindAllString(text, -1) {
			name = strings.TrimSuffix(name, "_bucket")
			used[name] = true
			if !documented[name] {
				t.Errorf("there is no metric %s", name)
			}
		}
	}
	for name := range documented {
		if !used[name] && name != "socketio_queue_packets" && name != "socketio_events_unsent_total" &&
			name != "socketio_broker_away_seconds" {
			t.Errorf("the dashboard does not show %s", name)
		}
	}
}

// promtool accepts the files of Prometheus, the tests of the alerts pass, and the expressions of the
// dashboard can be evaluated.
func TestPromtool(t *testing.T) {
	rules := "groups:\n  - name: dashboard\n    rules:\n"
	for i, x := range expressions(t) {
		rules += fmt.Sprintf("      - { record: 'x%d', expr: %q }\n", i, x)
	}
	dashboard := filepath.Join(t.TempDir(), "dashboard.yml")
	if err := os.WriteFile(dashboard, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{
		"check config prometheus.yml", "check rules alerts.yml", "test rules alerts_test.yml", "check rules " + dashboard,
	} {
		out, err := exec.CommandContext(t.Context(), "promtool", strings.Fields(args)...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "SUCCESS") {
			t.Errorf("promtool %s (scripts/install.sh prometheus): %v\n%s", args, err, out)
		}
	}
}

// query asks Prometheus for the values of an expression.
func query(t *testing.T, addr, expr string) (values []string) {
	t.Helper()
	res, err := http.Get("http://" + addr + "/api/v1/query?query=" + url.QueryEscape(expr))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct {
		Status, Error string
		Data          struct{ Result []struct{ Value [2]any } }
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || answer.Status != "success" {
		t.Errorf("%s: %+v, %v", expr, answer, err)
	}
	for _, r := range answer.Data.Result {
		values = append(values, fmt.Sprint(r.Value[1]))
	}
	return values
}

// wantWatched waits until Prometheus has seen three nodes with a WebSocket each, and asks for all that
// the dashboard shows.
func wantWatched(t *testing.T, addr string) {
	t.Helper()
	for expr, want := range map[string]string{
		`count(up == 1)`: "3", `sum(socketio_connections{transport="websocket"})`: "3", `sum(socketio_broker_connected)`: "3",
		`count(count by (node) (socketio_connections))`: "3",
	} {
		var got []string
		for deadline := time.Now().Add(30 * time.Second); !slices.Equal(got, []string{want}); {
			if time.Now().After(deadline) {
				t.Fatalf("%s is %q, want %s", expr, got, want)
			}
			time.Sleep(100 * time.Millisecond)
			got = query(t, addr, expr)
		}
	}
	for _, expr := range expressions(t) {
		query(t, addr, expr)
	}
}

// Prometheus gets the files of this folder and asks each node at its port for operators.
func TestComposePrometheus(t *testing.T) {
	p := compose(t, nil)
	s := p.Services["prometheus"]
	for _, v := range s.Volumes {
		if name := path.Base(v.Target); v.Type == "bind" &&
			(read(t, v.Source) != read(t, name) || v.Target != "/etc/prometheus/"+name || !v.ReadOnly) {
			t.Errorf("%s is mounted at %s, writable: %t", v.Source, v.Target, !v.ReadOnly)
		}
	}
	if read(t, "prometheus.yml") != prometheusConfig || read(t, "alerts.yml") != alertRules {
		t.Error("this program has other files")
	}
	var groups []struct {
		Targets []string
		Labels  map[string]string
	}
	if err := yaml.Unmarshal([]byte(read(t, "nodes.yml")), &groups); err != nil {
		t.Fatal(err)
	}
	var watched []string
	for _, g := range groups {
		host, port := hostOf(t, g.Targets[0])
		e := p.Services[host].Environment
		if e["SOCKETIO_NODE"] == nil || *e["SOCKETIO_NODE"] != g.Labels["node"] ||
			*e["SOCKETIO_ADMIN_ADDR"] != "0.0.0.0:"+port {
			t.Errorf("%v is no node with the label %v", g.Targets, g.Labels)
		}
		watched = append(watched, host)
	}
	if !slices.Equal(watched, []string{"node1", "node2", "node3"}) {
		t.Errorf("Prometheus watches %q", watched)
	}
}

// Grafana finds Prometheus and the dashboard, and what the dashboard takes for its data source.
func TestComposeGrafana(t *testing.T) {
	p := compose(t, nil)
	s := p.Services["grafana"]
	mounted := make(map[string]string) // by target
	for _, v := range s.Volumes {
		mounted[v.Target] = v.Source
	}
	var sources struct {
		Datasources []struct{ UID, URL, Type string }
	}
	var providers struct {
		Providers []struct{ Options struct{ Path string } }
	}
	for target, to := range map[string]any{
		"/etc/grafana/provisioning/datasources/socketio.yml": &sources,
		"/etc/grafana/provisioning/dashboards/socketio.yml":  &providers,
	} {
		if err := yaml.Unmarshal([]byte(read(t, mounted[target])), to); err != nil {
			t.Fatalf("%s: %v", target, err)
		}
	}
	source := sources.Datasources[0]
	host, port := hostOf(t, source.URL)
	if len(p.Services[host].Ports) != 1 || fmt.Sprint(p.Services[host].Ports[0].Target) != port {
		t.Errorf("the data source is at %s, where no service is", source.URL)
	}
	file := providers.Providers[0].Options.Path + "/socketio.json"
	if home := s.Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]; home == nil || *home != file {
		t.Errorf("the home dashboard is %v, want %s", home, file)
	}
	dashboard := read(t, mounted[file])
	uids := regexp.MustCompile(`"type": "prometheus",\s+"uid": "([^"]*)"`).FindAllStringSubmatch(dashboard, -1)
	if len(uids) < 20 || strings.Count(dashboard, `"datasource":`) != len(uids) {
		t.Errorf("%d data sources in the dashboard", len(uids))
	}
	for _, m := range uids {
		if m[1] != source.UID {
			t.Errorf("the dashboard asks %q, the data source is %q", m[1], source.UID)
		}
	}
}
