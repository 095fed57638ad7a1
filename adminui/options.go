package adminui

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// ErrOptions is wrapped by the errors of [Instrument]: a field of Options has a value that cannot work.
var ErrOptions = errors.New("adminui: invalid options")

// Mode says what admins see.
type Mode string

// The modes.
const (
	// Production shows counts: clients, bytes, connections, the sockets of each namespace.
	Production Mode = "production"
	// Development shows sockets with their handshakes, rooms and shared values, and all events.
	Development Mode = "development"
)

// maxCost limits the cost of a bcrypt hash: at 15 a login takes a core for about two seconds.
const maxCost = 15

// Auth is the one user who may log in.
type Auth struct {
	Username string
	// Password is a bcrypt hash ($2a$, $2b$ or $2y$), such as from `htpasswd -nB admin`. A cost above
	// 15 is refused.
	Password string
}

// Options configure [Instrument]. Auth or NoAuth must be set.
type Options struct {
	// NamespaceName is the namespace of admins. Default "/admin".
	NamespaceName string
	// Auth is the user who may log in.
	Auth *Auth
	// NoAuth lets everybody in who reaches the server ("auth: false" of the official one).
	NoAuth bool
	// Readonly refuses all commands: admins see, and change nothing.
	Readonly bool
	// ServerID is the name of this server in the page. It must be unique in a cluster. Default: the
	// hostname, "#" and the process id.
	ServerID string
	// Store keeps the sessions of admins who have logged in, so that a reload of the page asks for no
	// password. Default: 1,000 of them in memory, for a day each. Servers of a cluster that do not share
	// one ask again.
	Store Store
	// Mode says what admins see. Default Production.
	Mode Mode
	// MaxEventsPerSecond limits the events that this server shows in development mode, and besides the
	// changes of sockets and rooms. Events beyond are not shown. After changes beyond, all sockets
	// are listed again. Default 500.
	MaxEventsPerSecond int
	// MaxEventBytes limits an event that is shown; of a larger one only name and size are. Default 8 KiB.
	MaxEventBytes int
	// MaxSockets limits the sockets that are listed. Default 10,000.
	MaxSockets int
	// Logger gets a line for each command of an admin and each limit reached. Default slog.Default.
	Logger *slog.Logger
}

// Defaults of Options.
const (
	defaultNamespace          = "/admin"
	defaultMaxEventsPerSecond = 500
	defaultMaxEventBytes      = 8 << 10
	defaultMaxSockets         = 10_000
)

// withDefaults returns o with its zero fields set, or an error that names the invalid field.
func (o Options) withDefaults() (Options, error) {
	if err := o.checkAuth(); err != nil {
		return o, err
	}
	o.NamespaceName = cmp.Or(o.NamespaceName, defaultNamespace)
	if !strings.HasPrefix(o.NamespaceName, "/") || len(o.NamespaceName) < 2 {
		return o, fmt.Errorf("%w: NamespaceName is %q, it must be / and a name", ErrOptions, o.NamespaceName)
	}
	o.Mode = cmp.Or(o.Mode, Production)
	if o.Mode != Production && o.Mode != Development {
		return o, fmt.Errorf("%w: Mode is %q, it must be %q or %q", ErrOptions, o.Mode, Production, Development)
	}
	if o.ServerID == "" {
		o.ServerID = fmt.Sprintf("%s#%d", hostname(), os.Getpid())
	}
	if o.Store == nil {
		o.Store = newSessions()
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o, cmp.Or(
		setDefault("MaxEventsPerSecond", &o.MaxEventsPerSecond, defaultMaxEventsPerSecond),
		setDefault("MaxEventBytes", &o.MaxEventBytes, defaultMaxEventBytes),
		setDefault("MaxSockets", &o.MaxSockets, defaultMaxSockets),
	)
}

// checkAuth returns an error unless it is clear who may log in.
func (o Options) checkAuth() error {
	switch {
	case o.Auth == nil && !o.NoAuth:
		return fmt.Errorf("%w: Auth is missing: set it, or NoAuth to let everybody in", ErrOptions)
	case o.NoAuth && o.Auth != nil:
		return fmt.Errorf("%w: NoAuth is set, and Auth too", ErrOptions)
	case o.NoAuth:
		return nil
	case o.Auth.Username == "":
		return fmt.Errorf("%w: Auth.Username is empty", ErrOptions)
	}
	cost, err := bcrypt.Cost([]byte(o.Auth.Password))
	if err != nil { // its text may contain the password
		return fmt.Errorf("%w: Auth.Password must be a bcrypt hash, such as from `htpasswd -nB admin`", ErrOptions)
	}
	if cost > maxCost {
		return fmt.Errorf("%w: Auth.Password has the cost %d, it must be at most %d", ErrOptions, cost, maxCost)
	}
	return nil
}

// setDefault sets a zero field to its default. A negative field is an error.
func setDefault(name string, field *int, value int) error {
	if *field < 0 {
		return fmt.Errorf("%w: %s is %d, it must not be negative", ErrOptions, name, *field)
	}
	*field = cmp.Or(*field, value)
	return nil
}

// hostname returns the machine's name; an empty one is the official answer to none.
func hostname() string {
	name, _ := os.Hostname()
	return name
}
