package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

//go:generate go test -run ^TestOptionsTable$ -count=1 . -update

// nameEnvironment gives each option of serve an environment variable: SOCKETIO_TLS_CERT is -tls-cert. The tag env:"-"
// exempts a flag.
func nameEnvironment(k *kong.Kong) error {
	for _, flag := range options(k) {
		var names []string
		if len(flag.Envs) == 0 {
			names = []string{prefix + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))}
		}
		flag.Envs, flag.Tag.Envs = names, names
	}
	return nil
}

// options returns the flags of serve, in the order of their fields.
func options(k *kong.Kong) []*kong.Flag {
	i := slices.IndexFunc(k.Model.Children, func(n *kong.Node) bool { return n.Name == "serve" })
	return k.Model.Children[i].Flags
}

// prefix is that of environment variables.
const prefix = "SOCKETIO_"

var kubernetesVar = regexp.MustCompile(`^SOCKETIO_(SERVICE_(HOST|PORT)|PORT)(_|$)`)

// sourcedError is an error about options that are not on the command line.
type sourcedError struct {
	err     error
	sources []string // of each option that the error names, such as "drain: socketio.yaml, line 3"
}

func (e *sourcedError) Error() string {
	return fmt.Sprintf("%v (%s)", e.err, strings.Join(e.sources, "; "))
}

func (e *sourcedError) Unwrap() error { return e.err }

var flagName = regexp.MustCompile(`(?:^|[ (])--?([a-z][a-z0-9-]+)`)

// withSources adds to an error that names options where those have their values, unless that is the command line.
func withSources(err error, ctx *kong.Context, file *configFile) error {
	if err == nil || ctx == nil || ctx.Selected() == nil {
		return err
	}
	var sources []string
	for _, m := range flagName.FindAllStringSubmatch(err.Error(), -1) {
		i := slices.IndexFunc(ctx.Selected().Flags, func(f *kong.Flag) bool { return f.Name == m[1] })
		if i < 0 {
			continue
		}
		if source := sourceOf(ctx.Selected().Flags[i], ctx, file); source != "" && !slices.Contains(sources, source) {
			sources = append(sources, source)
		}
	}
	if len(sources) == 0 {
		return err
	}
	return &sourcedError{err, sources}
}

// sourceOf returns where an option has its value, "" for the command line and for a default.
func sourceOf(flag *kong.Flag, ctx *kong.Context, file *configFile) string {
	given := func(p *kong.Path) bool { return p.Flag == flag && !p.Resolved }
	if slices.ContainsFunc(ctx.Path, given) {
		return ""
	}
	if name, ok := environmentOf(flag); ok {
		return name + " in the environment"
	}
	return file.source(flag.Name)
}

// environmentOf returns the environment variable of an option, and whether it is set.
func environmentOf(flag *kong.Flag) (name string, set bool) {
	if len(flag.Envs) == 0 {
		return "", false
	}
	_, set = os.LookupEnv(flag.Envs[0])
	return flag.Envs[0], set
}

// unknownVars returns the environment variables that look like options and are none. Kubernetes sets some for a service
// with the name socketio.
func unknownVars(flags []*kong.Flag) (names []string) {
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		known := func(f *kong.Flag) bool { return slices.Contains(f.Envs, name) }
		if strings.HasPrefix(name, prefix) && !kubernetesVar.MatchString(name) && !slices.ContainsFunc(flags, known) {
			names = append(names, name)
		}
	}
	return names
}

// isUsage tells whether an error of the parser is about the command line alone.
func isUsage(err error) bool {
	_, sourced := errors.AsType[*sourcedError](err)
	_, file := errors.AsType[*configError](err)
	return !sourced && !file
}
