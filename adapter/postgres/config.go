package postgres

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/internal/brokers"
)

// Config configures the connections of a process to PostgreSQL. The zero value of a field is its
// default.
type Config struct {
	// URL is where PostgreSQL is, see [ParseURL]. Other fields that are set take precedence over it.
	// Without it the variables of the environment say where, PGHOST and others, as for psql.
	URL string
	// Pool is where to take connections from, instead of URL. Two leave it, as by
	// pgxpool.Conn.Hijack, and as many each time that they are lost. It is not closed.
	Pool *pgxpool.Pool

	// Prefix begins the names of all channels: the option channelPrefix of the official adapter.
	// Default "socket.io".
	Prefix string
	// TableName is the table for what does not fit in a notification: the option tableName. It is
	// "name" or "schema.name", and not case-sensitive. Default "socket_io_attachments".
	TableName string
	// CreateTable makes the table when there is none, and those of Recovery. Otherwise messages that need
	// it are refused, and with Recovery the start fails.
	CreateTable bool
	// PayloadThreshold is the size in bytes up to which a message goes into the notification: the
	// option payloadThreshold. Default and maximum 7999, which is what PostgreSQL takes.
	PayloadThreshold int
	// CleanupInterval is how often rows of the table are deleted, and how old they are then: the
	// option cleanupInterval. A server that lags behind by more loses them. Default 30 s.
	CleanupInterval time.Duration
	// RequestTimeout limits the wait for other servers. Default 5 s.
	RequestTimeout time.Duration
	// MaxQueuedBytes limits what waits to be sent, and the size of a row that is read. Default
	// adapter.DefaultOutboxBytes, 64 MiB.
	MaxQueuedBytes int

	// Recovery keeps broadcasts, commands to sockets and sessions in tables for a while: none is lost
	// while PostgreSQL is away, and clients can be recovered on any server that has it too. It is for Go
	// servers: what official servers and their emitter send is not kept, and a client that was away
	// meanwhile comes back as a new socket.
	Recovery bool
	// LogTable is the table with the broadcasts, named as TableName is. The names of two more begin with
	// it and end in _head and _sessions. (Recovery) Default "socket_io_log".
	LogTable string
	// MaxLen is the number of broadcasts and commands that are kept at most. (Recovery) Default 100,000.
	MaxLen int
	// Retention is the age up to which they are kept. It must be longer than clients may be away to be
	// recovered. (Recovery) Default 3 minutes.
	Retention time.Duration
}

const (
	maxPayload = 7999 // of a notification
	maxChannel = 63   // bytes of a name; LISTEN cuts off what is longer, and NOTIFY refuses it

	maxLogTable = 63 - len("_sessions")
)

// tableName is the form of a name that is the same with and without quotes around it.
var tableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)?$`)

// resolve returns c with what its URL says and with defaults, or an error that names a field.
func (c Config) resolve() (Config, *pgx.ConnConfig, error) {
	if c.URL != "" {
		u, err := ParseURL(c.URL)
		if err != nil {
			return c, nil, err
		}
		c.URL = ""
		brokers.Override(&u, c)
		c = u
	}
	if err := c.check(); err != nil {
		return c, nil, err
	}
	c.Prefix = cmp.Or(c.Prefix, "socket.io")
	c.TableName = cmp.Or(c.TableName, "socket_io_attachments")
	c.PayloadThreshold = cmp.Or(c.PayloadThreshold, maxPayload)
	c.CleanupInterval = cmp.Or(c.CleanupInterval, 30*time.Second)
	c.RequestTimeout = cmp.Or(c.RequestTimeout, adapter.DefaultRequestTimeout)
	c.MaxQueuedBytes = cmp.Or(c.MaxQueuedBytes, adapter.DefaultOutboxBytes)
	if c.Recovery {
		c.LogTable = cmp.Or(c.LogTable, "socket_io_log")
		c.MaxLen = cmp.Or(c.MaxLen, 100_000)
		c.Retention = cmp.Or(c.Retention, 3*time.Minute)
	}
	if c.Pool != nil {
		return c, nil, nil
	}
	server, err := parseServer(c.URL)
	if err == nil && server.RuntimeParams["application_name"] == "" {
		server.RuntimeParams["application_name"] = "socketio"
	}
	return c, server, err
}

// check reports a field that cannot work, or that would be ignored.
func (c *Config) check() error {
	is := brokers.Check{Package: "postgres", Config: *c}
	switch {
	case c.Pool != nil && c.URL != "":
		return errors.New("postgres: Config.URL has no effect with Config.Pool")
	case c.Pool != nil && c.Pool.Config().ConnConfig.OnNotification != nil:
		return errors.New("postgres: Config.Pool has an OnNotification, which would get the messages")
	case c.TableName != "" && !tableName.MatchString(c.TableName):
		return is.Invalid("TableName", "name or schema.name")
	case c.LogTable != "" && (!tableName.MatchString(c.LogTable) || len(c.LogTable) > maxLogTable):
		return is.Invalid("LogTable", fmt.Sprintf("name or schema.name, of at most %d bytes", maxLogTable))
	case c.PayloadThreshold < 0 || c.PayloadThreshold > maxPayload:
		return is.Invalid("PayloadThreshold", fmt.Sprintf("from 1 to %d", maxPayload))
	case len(c.Prefix) > maxChannel-len("#/"):
		return is.Invalid("Prefix", fmt.Sprintf("of at most %d bytes", maxChannel-len("#/")))
	}
	err := is.Positive("CleanupInterval", "RequestTimeout", "MaxQueuedBytes", "MaxLen", "Retention")
	if err == nil && !c.Recovery {
		err = is.Unset("without Recovery", "LogTable", "MaxLen", "Retention")
	}
	return err
}

// ParseURL returns the Config of a URL:
//
//	postgres://user:password@host:5432/database?key=chat&table=chat_attachments
//
// Its parameters are key (Config.Prefix), table (TableName), create (CreateTable), threshold
// (PayloadThreshold), cleanup (CleanupInterval), timeout (RequestTimeout), recovery (Recovery), log
// (LogTable), maxlen (MaxLen) and retention (Retention). All others are those of libpq, such as sslmode
// and target_session_attrs; several hosts are separated by commas.
func ParseURL(s string) (Config, error) {
	c, err := parseURL(s)
	if err == nil {
		err = c.check()
	}
	if err != nil {
		return Config{}, err
	}
	return c, nil
}

func parseURL(s string) (c Config, err error) {
	invalid := func(err error) error { return fmt.Errorf("postgres: invalid URL: %w", err) }
	switch scheme, _, found := strings.Cut(s, "://"); {
	case !found:
		return c, invalid(errors.New("it has no scheme, such as postgres://"))
	case scheme != "postgres" && scheme != "postgresql":
		return c, invalid(fmt.Errorf("unknown scheme %q", scheme))
	}
	base, query, _ := strings.Cut(s, "?")
	_, afterHost, _ := strings.Cut(base[strings.Index(base, "://")+3:], "/")
	if strings.Contains(query, "@") || strings.Contains(afterHost, "@") {
		return c, invalid(brokers.ErrPassword)
	}
	parameters, err := url.ParseQuery(query)
	if err != nil {
		return c, invalid(errors.New("its parameters cannot be read"))
	}
	err = brokers.Take(parameters, map[string]any{
		"key":       &c.Prefix,
		"table":     &c.TableName,
		"create":    &c.CreateTable,
		"threshold": &c.PayloadThreshold,
		"cleanup":   &c.CleanupInterval,
		"timeout":   &c.RequestTimeout,
		"recovery":  &c.Recovery,
		"log":       &c.LogTable,
		"maxlen":    &c.MaxLen,
		"retention": &c.Retention,
	})
	if err != nil {
		return c, invalid(err)
	}
	c.URL = base
	if len(parameters) > 0 {
		c.URL += "?" + parameters.Encode()
	}
	_, err = parseServer(c.URL)
	return c, err
}

// parseServer returns how to connect to the server of a URL of libpq. No error holds a password.
func parseServer(libpq string) (*pgx.ConnConfig, error) {
	server, err := pgx.ParseConfig(libpq)
	if err == nil {
		return server, nil
	}
	reason := "user, password, host, port or parameters cannot be read"
	_, isURL := errors.AsType[*url.Error](err)
	if _, isConfig := errors.AsType[*pgconn.ParseConfigError](err); isConfig && !isURL {
		if _, text, found := strings.Cut(err.Error(), "`: "); found && !strings.Contains(text, "://") {
			reason = text
		}
	}
	return nil, fmt.Errorf("postgres: invalid URL: %s", reason)
}

// where names the server, for logs and errors: never a password.
func where(c *pgx.ConnConfig) string {
	addr := net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port)))
	if strings.HasPrefix(c.Host, "/") {
		addr = c.Host
	}
	for _, other := range c.Fallbacks {
		next := net.JoinHostPort(other.Host, strconv.Itoa(int(other.Port)))
		if !slices.Contains(strings.Split(addr, ","), next) {
			addr += "," + next
		}
	}
	return addr + "/" + c.Database
}
