package brokers

import (
	"fmt"
	"net"
	"reflect"
	"slices"
	"strings"
)

// Override sets the fields of a Config that are not zero in another one.
func Override[Config any](c *Config, with Config) {
	to, from := reflect.ValueOf(c).Elem(), reflect.ValueOf(with)
	for i := range from.NumField() {
		if field := from.Field(i); !field.IsZero() {
			to.Field(i).Set(field)
		}
	}
}

// Check checks the fields of a Config. Its errors name the package and the field.
type Check struct {
	Package string
	Config  any // no pointer
}

func (c Check) field(name string) reflect.Value { return reflect.ValueOf(c.Config).FieldByName(name) }

// Invalid returns the error of a field.
func (c Check) Invalid(name, must string) error {
	return c.invalid(name, c.field(name).Interface(), must)
}

func (c Check) invalid(name string, is any, must string) error {
	if s, ok := is.(string); ok {
		is = fmt.Sprintf("%q", s)
	}
	return fmt.Errorf("%s: Config.%s is %v, must be %s", c.Package, name, is, must)
}

// Positive refuses negative numbers. Zero is the default.
func (c Check) Positive(names ...string) error {
	for _, name := range names {
		if c.field(name).Int() < 0 {
			return c.Invalid(name, "positive")
		}
	}
	return nil
}

// Addrs refuses what is not host:port.
func (c Check) Addrs(name string, addrs []string) error {
	for _, addr := range addrs {
		if host, port, err := net.SplitHostPort(addr); err != nil || host == "" || port == "" {
			return c.invalid(name, addr, "host:port")
		}
	}
	return nil
}

// Unset refuses fields that would be ignored.
func (c Check) Unset(when string, names ...string) error {
	for _, name := range names {
		if !c.field(name).IsZero() {
			return fmt.Errorf("%s: Config.%s has no effect %s", c.Package, name, when)
		}
	}
	return nil
}

// OneLine returns the text of an error, without line breaks and repetitions.
func OneLine(err error) string {
	var lines []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if line = strings.TrimSpace(line); line != "" && !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "; ")
}
