//go:build linux

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

const root = "../.."

// compose loads docker-compose.yml, as `docker compose` does with these profiles and this environment.
func compose(t *testing.T, environment []string, profiles ...string) *types.Project {
	t.Helper()
	o, err := cli.NewProjectOptions([]string{filepath.Join(root, "docker-compose.yml")}, cli.WithName("socketio"),
		cli.WithEnv(environment), cli.WithProfiles(profiles))
	if err != nil {
		t.Fatal(err)
	}
	p, err := o.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestComposeServices(t *testing.T) {
	want := []string{"grafana", "nginx", "node1", "node2", "node3", "prometheus", "redis"}
	if got := compose(t, nil).ServiceNames(); !slices.Equal(got, want) {
		t.Errorf("without a profile: %q, want %q", got, want)
	}
	p := compose(t, nil, "*")
	pinned := regexp.MustCompile(`^([a-z]+:\d+\.\d+(\.\d+)?-alpine|(prom|grafana)/[a-z]+:v?\d+\.\d+\.\d+)$`)
	for name, s := range p.Services {
		if s.Build != nil {
			if s.Image != "socketio:local" {
				t.Errorf("%s: the image that is built has the name %q", name, s.Image)
			}
			if _, err := os.Stat(filepath.Join(s.Build.Context, s.Build.Dockerfile)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		} else if !pinned.MatchString(s.Image) {
			t.Errorf("%s: the image %q has no version", name, s.Image)
		}
		if h := s.HealthCheck; h == nil || h.Disable || len(h.Test) < 2 || h.Test[0] != "CMD" ||
			h.Interval == nil || h.Timeout == nil || h.Retries == nil {
			t.Errorf("%s: health check %+v", name, h)
		}
		if s.Restart != types.RestartPolicyUnlessStopped {
			t.Errorf("%s: restart %q", name, s.Restart)
		}
		for _, port := range s.Ports {
			if name != "nginx" && port.HostIP != "127.0.0.1" {
				t.Errorf("%s is reachable from outside", name)
			}
		}
		for on, d := range s.DependsOn {
			if _, ok := p.Services[on]; !ok || d.Condition != types.ServiceConditionHealthy {
				t.Errorf("%s depends on %s: %+v", name, on, d)
			}
		}
		for _, v := range s.Volumes {
			switch v.Type {
			case types.VolumeTypeBind:
				if info, err := os.Stat(v.Source); err != nil || !info.Mode().IsRegular() {
					t.Errorf("%s mounts %s, which is no file: %v", name, v.Source, err)
				}
			case types.VolumeTypeVolume:
				if v.Source != name {
					t.Errorf("%s has the volume %q", name, v.Source)
				}
			default:
				t.Errorf("%s: a volume of type %q", name, v.Type)
			}
		}
	}
	for name, data := range map[string]string{
		"redis": "/data", "nats": "/data", "postgres": "/var/lib/postgresql/data",
		"prometheus": "/prometheus", "grafana": "/var/lib/grafana",
	} {
		v := slices.DeleteFunc(p.Services[name].Volumes, func(v types.ServiceVolumeConfig) bool {
			return v.Type == types.VolumeTypeBind
		})
		if len(v) != 1 || v[0].Target != data {
			t.Errorf("%s keeps its data in %+v, want %s", name, v, data)
		}
	}
	if command := strings.Join(p.Services["redis"].Command, " "); command != "redis-server --appendonly yes" {
		t.Errorf("Redis is %q", command)
	}
}

// The configuration of nginx is the file that this program has, with values for all its variables.
func TestComposeNginx(t *testing.T) {
	p := compose(t, nil)
	s := p.Services["nginx"]
	if len(s.Volumes) != 1 || s.Volumes[0].Target != "/etc/nginx/templates/default.conf.template" {
		t.Fatalf("volumes %+v", s.Volumes)
	}
	if read(t, s.Volumes[0].Source) != nginxTemplate {
		t.Errorf("%s is another configuration", s.Volumes[0].Source)
	}
	used := make(map[string]bool)
	for _, m := range regexp.MustCompile(`\$\{(\w+)\}`).FindAllStringSubmatch(nginxTemplate, -1) {
		used[m[1]] = true
		if s.Environment[m[1]] == nil {
			t.Errorf("${%s} has no value", m[1])
		}
	}
	port := dockerfile(t)["EXPOSE"][0]
	for name, value := range s.Environment {
		if !used[name] {
			t.Errorf("nginx's configuration has no ${%s}", name)
		}
		if name == "LISTEN" {
			asks := s.HealthCheck.Test[len(s.HealthCheck.Test)-1]
			if len(s.Ports) != 1 || s.Ports[0].Published != *value || asks != "http://127.0.0.1:"+*value+"/" {
				t.Errorf("nginx listens on %s, published is %+v, its health check is %q", *value, s.Ports, s.HealthCheck.Test)
			}
			continue
		}
		host, at := hostOf(t, *value)
		node := p.Services[host]
		if node.Build == nil || at != port || s.DependsOn[host].Condition == "" {
			t.Errorf("%s is %s, which is no node on port %s that nginx waits for", name, *value, port)
		}
		if n := node.Environment["SOCKETIO_NODE"]; n == nil || "NODE"+*n != name {
			t.Errorf("%s has another name", *value)
		}
	}
}

// The broker of each URL is a service of the profile, and the nodes get the URL and wait for the
// broker. cmd/socketio tests that -cluster takes these URLs.
func TestComposeBrokers(t *testing.T) {
	text := read(t, filepath.Join(root, "docker-compose.yml"))
	example := regexp.MustCompile(`export SOCKETIO_CLUSTER='?([^\s']+)'?\n#   docker compose --profile (\w+) `)
	urls := example.FindAllStringSubmatch(text, -1)
	if len(urls) != 2 {
		t.Fatalf("%d URLs in the comment", len(urls))
	}
	ports := map[string]string{"redis": "6379", "nats": "4222", "postgres": "5432"}
	check := func(p *types.Project, want string) {
		for _, name := range []string{"node1", "node2", "node3"} {
			s := p.Services[name]
			got := *s.Environment["SOCKETIO_CLUSTER"]
			host, port := hostOf(t, got)
			if _, ok := p.Services[host]; !ok || host != want || port != ports[host] || s.DependsOn[host].Condition == "" {
				t.Errorf("%s uses %s, want %s, which it waits for", name, got, want)
			}
		}
	}
	check(compose(t, nil), "redis")
	for _, m := range urls {
		check(compose(t, []string{"SOCKETIO_CLUSTER=" + m[1]}, m[2]), m[2])
	}
	e := compose(t, nil, "*").Services["postgres"].Environment
	login := "//" + *e["POSTGRES_USER"] + ":" + *e["POSTGRES_PASSWORD"] + "@postgres:5432/" + *e["POSTGRES_DB"]
	if !strings.Contains(text, login) {
		t.Errorf("the URL has another login than %s", login)
	}
}

// What the Dockerfile copies is there, and what it runs, and what the health checks run, is copied.
func TestDockerfile(t *testing.T) {
	d := dockerfile(t)
	ignored := strings.Fields(read(t, filepath.Join(root, ".dockerignore")))
	for _, args := range d["COPY"] {
		from := strings.Fields(args)
		if strings.HasPrefix(from[0], "--from=") {
			continue
		}
		for _, path := range from[:len(from)-1] {
			if _, err := os.Stat(filepath.Join(root, path)); err != nil || slices.Contains(ignored, path) {
				t.Errorf("COPY %s: it is not there or ignored: %v", path, err)
			}
		}
	}
	pinned := regexp.MustCompile(`^(scratch|[a-z]+:\d+\.\d+\.\d+-alpine AS \w+)$`)
	for _, image := range d["FROM"] {
		if !pinned.MatchString(image) {
			t.Errorf("FROM %s: the image has no version", image)
		}
	}
	if user := d["USER"]; len(user) != 1 || !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(user[0]) {
		t.Errorf("USER %q", user)
	}
	goMod := regexp.MustCompile(`\ngo (\d+\.\d+)`).FindStringSubmatch(read(t, filepath.Join(root, "go.mod")))
	if !strings.HasPrefix(d["FROM"][0], "golang:"+goMod[1]+".") {
		t.Errorf("FROM %s, but go.mod needs Go %s", d["FROM"][0], goMod[1])
	}
	if entry := d["ENTRYPOINT"]; len(entry) != 1 || entry[0] != `["/socketio"]` ||
		!slices.Contains(d["COPY"], "--from=program /socketio /socketio") {
		t.Errorf("ENTRYPOINT %q", entry)
	}
	if addr := "SOCKETIO_ADDR=:" + d["EXPOSE"][0]; !slices.Equal(d["ENV"], []string{addr}) ||
		!slices.Equal(d["CMD"], []string{`["serve"]`}) {
		t.Errorf("CMD %q, ENV %q, EXPOSE %q", d["CMD"], d["ENV"], d["EXPOSE"])
	}
	if check := d["HEALTHCHECK"]; len(check) != 1 || !strings.HasSuffix(check[0], ` CMD ["/socketio", "health"]`) {
		t.Errorf("HEALTHCHECK %q", check)
	}
	if test := compose(t, nil).Services["node1"].HealthCheck.Test; strings.Join(test, " ") != "CMD /socketio health" {
		t.Errorf("the health check of a node is %q", test)
	}
}

// dockerfile returns the arguments of the Dockerfile's instructions, which have a line each.
func dockerfile(t *testing.T) map[string][]string {
	t.Helper()
	instructions := make(map[string][]string)
	for line := range strings.Lines(read(t, filepath.Join(root, "Dockerfile"))) {
		if name, args, ok := strings.Cut(strings.TrimSpace(line), " "); ok && name != "#" {
			instructions[name] = append(instructions[name], args)
		}
	}
	return instructions
}
