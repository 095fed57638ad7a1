package adminui

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/time/rate"

	"github.com/gosocketio/socketio"
)

// Limits of logins and sessions.
const (
	loginsPerSecond = 5  // a check of a password takes a core for 50 ms and more
	maxLogins       = 16 // that wait for their turn
	maxSessions     = 1000
	sessionDuration = 24 * time.Hour
	maxSessionID    = 64
)

// Store keeps the ids of admins' sessions. Several servers may share one, as with the official
// RedisStore, whose keys are "socket.io-admin#" and the id, for 86,400 s. Its methods may be called
// from several goroutines at once.
type Store interface {
	// DoesSessionExist tells whether the id was saved and has not expired.
	DoesSessionExist(ctx context.Context, id string) (bool, error)
	// SaveSession keeps an id.
	SaveSession(ctx context.Context, id string) error
}

// The answers to a client that is not let in. The page compares the text of the first.
var (
	errCredentials = &socketio.Error{Message: "invalid credentials"}
	errLogins      = &socketio.Error{Message: "too many logins at once, try again later"}
	errStore       = &socketio.Error{Message: "sessions cannot be saved, see the server's log"}
)

// newSession is the session of an admin who has just logged in.
var newSession = socketio.NewKey[string]("admin session")

// login checks passwords, a few a second.
type login struct {
	Options

	waiting chan struct{}
	pace    *rate.Limiter
}

func newLogin(o Options) *login {
	return &login{
		Options: o, waiting: make(chan struct{}, maxLogins), pace: rate.NewLimiter(loginsPerSecond, loginsPerSecond),
	}
}

// check is the middleware of the admins' namespace.
func (l *login) check(s *socketio.Socket) error {
	var auth struct{ SessionID, Username, Password any } // by a client: of any type
	if s.Handshake().DecodeAuth(&auth) != nil {
		return errCredentials
	}
	id, _ := auth.SessionID.(string)
	username, _ := auth.Username.(string)
	password, _ := auth.Password.(string)
	if id != "" && len(id) <= maxSessionID {
		known, err := l.Store.DoesSessionExist(s.Context(), id)
		if known && err == nil {
			return nil
		}
		if err != nil {
			l.Logger.Warn("adminui: a session cannot be looked up", "error", err)
		}
	}
	if username == "" && password == "" {
		return errCredentials // the page asks whether there is a session
	}
	if err := l.verify(s.Context(), username, password); err != nil {
		return err
	}
	id = randomID()
	if err := l.Store.SaveSession(s.Context(), id); err != nil {
		l.Logger.Warn("adminui: a session cannot be saved", "error", err)
		return errStore
	}
	newSession.Set(s, id)
	return nil
}

// verify compares a password. A wrong name takes as long as a wrong password.
func (l *login) verify(ctx context.Context, username, password string) error {
	select {
	case l.waiting <- struct{}{}:
		defer func() { <-l.waiting }()
	default:
		return errLogins
	}
	if l.pace.Wait(ctx) != nil {
		return errLogins // the client has gone
	}
	wrong := bcrypt.CompareHashAndPassword([]byte(l.Auth.Password), []byte(password))
	if subtle.ConstantTimeCompare([]byte(username), []byte(l.Auth.Username)) == 0 || wrong != nil {
		return errCredentials
	}
	return nil
}

func randomID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}

// sessions are the ids of sessions in memory.
type sessions struct {
	mu    sync.Mutex
	until map[string]time.Time
	order []string // oldest first
}

func newSessions() *sessions { return &sessions{until: make(map[string]time.Time)} }

// DoesSessionExist implements Store.
func (s *sessions) DoesSessionExist(_ context.Context, id string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Before(s.until[id]), nil
}

// SaveSession implements Store. The oldest session makes room.
func (s *sessions) SaveSession(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.order) == maxSessions {
		delete(s.until, s.order[0])
		s.order = s.order[1:]
	}
	s.until[id] = time.Now().Add(sessionDuration)
	s.order = append(s.order, id)
	return nil
}
