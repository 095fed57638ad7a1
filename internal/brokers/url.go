package brokers

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// URL is what a URL says: scheme://user:password@hosts/path?query.
type URL struct {
	Scheme string
	User   *url.Userinfo // nil if there is none
	Path   string        // without slashes around it
	Query  url.Values
	Hosts  string // separated by commas, see Addrs
}

// ErrPassword is of a URL whose host would begin inside the password.
var ErrPassword = errors.New("/, ?, # and @ in a password are written %2F, %3F, %23 and %40")

// ParseURL parses a URL with a list of hosts. No error holds a password. The example is of a scheme.
func ParseURL(s, example string) (*URL, error) {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		return nil, fmt.Errorf("it has no scheme, such as %s://", example)
	}
	// Package url does not accept a list of hosts: it gets one, and Addrs reads the list.
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	if strings.Contains(rest[end:], "@") {
		return nil, ErrPassword
	}
	at := strings.LastIndexByte(rest[:end], '@') + 1
	u, err := url.Parse("broker://" + rest[:at] + "host" + rest[end:])
	switch {
	case err != nil && at > 0: // its text would hold the password
		return nil, errors.New("user, password, path or parameters cannot be read")
	case err != nil:
		return nil, errors.Unwrap(err)
	case u.Fragment != "":
		return nil, errors.New("it has a fragment, which means nothing")
	}
	query, err := url.ParseQuery(u.RawQuery)
	return &URL{
		Scheme: scheme, User: u.User, Path: strings.Trim(u.Path, "/"), Query: query, Hosts: rest[at:end],
	}, err
}

// Addrs returns the hosts as host:port.
func (u *URL) Addrs(defaultPort string) (addrs []string, err error) {
	for host := range strings.SplitSeq(u.Hosts, ",") {
		h, err := url.Parse("broker://" + host)
		switch {
		case err == nil && h.Hostname() != "" && h.Host == host:
			if h.Port() == "" {
				host = strings.TrimSuffix(host, ":") + ":" + defaultPort
			}
			addrs = append(addrs, host)
		case u.User != nil: // host may be a part of the password
			return nil, errors.New("a host cannot be read")
		default:
			return nil, fmt.Errorf("%q is not a host", host)
		}
	}
	return addrs, nil
}

// Take removes parameters from a query and sets the fields that they name: pointers, or functions that
// set them. Of several with one name the last one counts.
func Take(query url.Values, fields map[string]any) error {
	for name, field := range fields {
		values := query[name]
		if len(values) == 0 {
			continue
		}
		delete(query, name)
		value := values[len(values)-1]
		var err error
		switch field := field.(type) {
		case *string:
			*field = value
		case *int:
			*field, err = strconv.Atoi(value)
		case *bool:
			if *field, err = strconv.ParseBool(value); err != nil {
				err = errors.New("it must be true or false")
			}
		case *time.Duration:
			*field, err = time.ParseDuration(value)
		case func(string) error:
			err = field(value)
		}
		if err != nil {
			return fmt.Errorf("parameter %s=%s: %w", name, value, err)
		}
	}
	return nil
}

// Parameters is Take of the whole query: what is left is an error, which names the package.
func (u *URL) Parameters(pkg string, fields map[string]any) error {
	if err := Take(u.Query, fields); err != nil {
		return err
	}
	for name := range u.Query {
		return fmt.Errorf("unknown parameter %q, see ParseURL of %s", name, pkg)
	}
	return nil
}

// OneOf returns what sets a field to the value of that name.
func OneOf[T fmt.Stringer](field *T, values ...T) func(string) error {
	return func(name string) error {
		must := ""
		for i, value := range values {
			switch s := value.String(); {
			case s == name:
				*field = value
				return nil
			case i == 0:
				must = s
			case i < len(values)-1:
				must += ", " + s
			default:
				must += " or " + s
			}
		}
		return errors.New("it must be " + must)
	}
}
