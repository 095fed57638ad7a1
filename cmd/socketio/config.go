package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v4"
)

// configFile is the YAML file of -config. The zero value has no options.
type configFile struct {
	path    string
	options map[string]configOption // by name
}

// configOption is what the file says of an option.
type configOption struct {
	value any // a string, or []any of strings
	line  int
}

// configError is an error of a file that cannot be read or has an unknown option.
type configError struct {
	path string
	line int // 0 if it is not about a line
	text string
}

func (e *configError) Error() string {
	if e.line == 0 {
		return fmt.Sprintf("-config %s: %s", e.path, e.text)
	}
	return fmt.Sprintf("-config %s, line %d: %s", e.path, e.line, e.text)
}

// BeforeResolve is called by kong: it reads the file of -config. Its options yield to those of the command line and of
// the environment.
func (c *serve) BeforeResolve(ctx *kong.Context, file *configFile) error {
	flags := ctx.Selected().Flags
	c.unknownVars = unknownVars(flags)
	named := slices.IndexFunc(flags, func(f *kong.Flag) bool { return f.Name == "config" })
	path, _ := ctx.FlagValue(flags[named]).(string)
	if path == "" {
		return nil
	}
	if err := file.read(path, flags); err != nil {
		return err
	}
	ctx.AddResolver(kong.ResolverFunc(file.resolve))
	return nil
}

// AfterApply is called by kong once all options have their values. It refuses empty ones: what a variable that is not
// set has left of an option, such as of -jwt-secret, must not switch it off. checkAPI refuses an API without a token.
func (c *serve) AfterApply(ctx *kong.Context) error {
	for _, flag := range ctx.Selected().Flags {
		empty := false
		switch value := ctx.FlagValue(flag).(type) {
		case string:
			empty = value == ""
		case []string:
			empty = len(value) == 0 || slices.Contains(value, "")
		}
		if empty && flag.Set && !flag.HasDefault && flag.Name != "api-token" {
			return fmt.Errorf("-%s is empty: give it a value, or leave it out", flag.Name)
		}
	}
	return nil
}

// maxConfig limits a file of options, in bytes.
const maxConfig = 1 << 20

// read reads a file that maps names of flags to values.
func (f *configFile) read(path string, flags []*kong.Flag) error {
	f.path, f.options = path, make(map[string]configOption)
	file, err := os.Open(path) //nolint:gosec // whoever starts the server names it
	if err != nil {
		return f.errorAt(0, err.Error())
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, maxConfig+1))
	switch {
	case err != nil:
		return f.errorAt(0, err.Error())
	case len(text) > maxConfig:
		return f.errorAt(0, fmt.Sprintf("it is longer than %d bytes", maxConfig))
	}
	var documents []yaml.Node // one, or none in an empty file
	if err := yaml.Load(text, &documents, yaml.WithAllDocuments()); err != nil {
		if at, ok := errors.AsType[*yaml.LoadError](err); ok {
			return f.errorAt(at.Mark.Line, at.Message)
		}
		return f.errorAt(0, err.Error())
	}
	for i, d := range documents {
		if i > 0 {
			return f.errorAt(d.Line, "a second document, only one is allowed")
		}
		if err := f.add(d.Content[0], flags); err != nil {
			return err
		}
	}
	return nil
}

func (f *configFile) errorAt(line int, text string) error { return &configError{f.path, line, text} }

// add adds the options of a document.
func (f *configFile) add(root *yaml.Node, flags []*kong.Flag) error {
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" { // nothing but comments
		return nil
	}
	if root.Kind != yaml.MappingNode {
		return f.errorAt(root.Line, "it must have lines such as addr: 127.0.0.1:3001")
	}
	for i := 0; i < len(root.Content); i += 2 {
		key, node := root.Content[i], root.Content[i+1]
		flag := flagOf(key, flags)
		switch _, again := f.options[key.Value]; {
		case flag == nil:
			return f.errorAt(key.Line, fmt.Sprintf("unknown option %q%s", key.Value, similar(key.Value, flags)))
		case again:
			return f.errorAt(key.Line, "option "+key.Value+" is there twice")
		}
		value, ok := valueOf(node, flag.IsSlice())
		if !ok {
			must := " must have one value"
			if flag.IsSlice() {
				must += ", or a list of values"
			}
			return f.errorAt(key.Line, "option "+key.Value+must)
		}
		f.options[key.Value] = configOption{value, key.Line}
	}
	return nil
}

// flagOf returns the flag that a key names, nil if there is none or it is for the command line only.
func flagOf(key *yaml.Node, flags []*kong.Flag) *kong.Flag {
	i := slices.IndexFunc(flags, func(f *kong.Flag) bool { return f.Name == key.Value })
	if i < 0 || key.Kind != yaml.ScalarNode || !inFile(flags[i]) {
		return nil
	}
	return flags[i]
}

// inFile tells whether an option may be in a file.
func inFile(flag *kong.Flag) bool { return len(flag.Envs) > 0 && flag.Name != "config" }

// similar asks for the option whose name differs from a wrong one by case, punctuation and one typing error.
func similar(name string, flags []*kong.Flag) string {
	letters := strings.NewReplacer("-", "", "_", "", ".", "")
	for _, f := range flags {
		if inFile(f) && oneError(strings.ToLower(letters.Replace(name)), letters.Replace(f.Name)) {
			return fmt.Sprintf(", did you mean %s?", f.Name)
		}
	}
	return ""
}

// oneError tells whether at most one character is missing, added, wrong, or has changed places with its neighbour.
func oneError(a, b string) bool {
	for a != "" && b != "" && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for a != "" && b != "" && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return len(a) <= 1 && len(b) <= 1 || len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
}

// valueOf returns a scalar as a string, and for an option that may be repeated a sequence of them as []any.
func valueOf(n *yaml.Node, repeatable bool) (any, bool) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch {
	case n.Kind == yaml.ScalarNode:
		return n.Value, n.Tag != "!!null"
	case n.Kind != yaml.SequenceNode || !repeatable:
		return nil, false
	}
	list := []any{}
	for _, item := range n.Content {
		value, ok := valueOf(item, false)
		if !ok {
			return nil, false
		}
		list = append(list, value)
	}
	return list, true
}

// resolve returns the value of a flag, nil if the file has none or the environment has one.
func (f *configFile) resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	option, ok := f.options[flag.Name]
	if _, set := environmentOf(flag); set || !ok {
		return nil, nil
	}
	return option.value, nil
}

// source returns where the file has an option, "" if it does not.
func (f *configFile) source(name string) string {
	option, ok := f.options[name]
	if !ok {
		return ""
	}
	return fmt.Sprintf("%s: %s, line %d", name, f.path, option.line)
}
