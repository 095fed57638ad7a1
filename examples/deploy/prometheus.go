//go:build unix

package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

var (
	//go:embed prometheus.yml
	prometheusConfig string
	//go:embed alerts.yml
	alertRules string
)

// noPrometheus is what run says if there is none.
const noPrometheus = "  no Prometheus: with Debian's package prometheus installed it would run too"

// startPrometheus starts Prometheus, if it is installed, with the files of docker-compose.yml. The
// nodes have addresses of their own. It returns whether it is installed.
func (c *cluster) startPrometheus(ctx context.Context) (installed bool, err error) {
	program, err := exec.LookPath("prometheus")
	if err != nil {
		return false, nil //nolint:nilerr // it is optional
	}
	var nodes strings.Builder
	for i, addr := range c.admin {
		fmt.Fprintf(&nodes, "- targets: [%q]\n  labels: { node: \"%d\" }\n", addr, i+1)
	}
	for file, text := range map[string]string{
		"prometheus.yml": prometheusConfig, "alerts.yml": alertRules, "nodes.yml": nodes.String(),
	} {
		if err := os.WriteFile(filepath.Join(c.dir, file), []byte(text), 0o600); err != nil {
			return true, err
		}
	}
	return true, c.services.start(ctx, "prometheus", c.prometheus, program,
		"--config.file", filepath.Join(c.dir, "prometheus.yml"), "--storage.tsdb.path", filepath.Join(c.dir, "prometheus"),
		"--web.listen-address", c.prometheus, "--log.level", "warn")
}
