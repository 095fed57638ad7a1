package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"

	"golang.org/x/crypto/bcrypt"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adminui"
)

// adminUIPath is where the page of the admin UI is.
const adminUIPath = "/admin-ui/"

// adminUI is the official admin UI and its flags.
type adminUI struct {
	AdminUI         string `name:"admin-ui" placeholder:"DIR" help:"Serve the official admin UI at /admin-ui/, for admins with the password: DIR is ui/dist of the npm package @socket.io/admin-ui."`
	AdminUIUser     string `name:"admin-ui-user" default:"admin" placeholder:"NAME" help:"Name of the admin (${default})."`
	AdminUIPassword string `name:"admin-ui-password" placeholder:"HASH" help:"Password of the admin, or better its bcrypt hash, such as from htpasswd -nB admin. Other users of the machine see flags: use the environment."`
	AdminUINoAuth   bool   `name:"admin-ui-no-auth" help:"Everybody who reaches the server is an admin."`
	AdminUIReadonly bool   `name:"admin-ui-readonly" help:"Admins see, and change nothing."`
	AdminUIMode     string `name:"admin-ui-mode" default:"production" enum:"production,development" help:"production shows counts; development each socket and event too (${default})."`
}

// checkAdminUI returns an error that names the flag whose value cannot work.
func (a *adminUI) checkAdminUI() error {
	switch {
	case a.AdminUI == "" && (a.AdminUIPassword != "" || a.AdminUINoAuth || a.AdminUIReadonly):
		return errors.New("-admin-ui-password, -admin-ui-no-auth and -admin-ui-readonly need -admin-ui")
	case a.AdminUI == "":
		return nil
	case a.AdminUIPassword == "" && !a.AdminUINoAuth:
		return errors.New("-admin-ui needs SOCKETIO_ADMIN_UI_PASSWORD, or -admin-ui-no-auth to let everybody in")
	case a.AdminUIPassword != "" && a.AdminUINoAuth:
		return errors.New("-admin-ui-no-auth and -admin-ui-password do not go together")
	}
	if _, err := os.Stat(a.AdminUI + "/index.html"); err != nil {
		return fmt.Errorf("-admin-ui is %q, it must be ui/dist of the npm package @socket.io/admin-ui: %w", a.AdminUI, err)
	}
	return nil
}

// startAdminUI adds the namespace of admins until stop is called. Without -admin-ui it does nothing.
func (a *adminUI) startAdminUI(sio *socketio.Server, node string, logger *slog.Logger) (stop func(), err error) {
	if a.AdminUI == "" {
		return func() {}, nil
	}
	o := adminui.Options{
		NoAuth: a.AdminUINoAuth, Readonly: a.AdminUIReadonly, Mode: adminui.Mode(a.AdminUIMode), ServerID: node, Logger: logger,
	}
	if !o.NoAuth {
		o.Auth = &adminui.Auth{Username: a.AdminUIUser, Password: a.AdminUIPassword}
		if _, err := bcrypt.Cost([]byte(a.AdminUIPassword)); err != nil {
			hash, err := bcrypt.GenerateFromPassword([]byte(a.AdminUIPassword), bcrypt.DefaultCost)
			if err != nil {
				return nil, fmt.Errorf("-admin-ui-password: %w", err)
			}
			o.Auth.Password = string(hash)
		}
	}
	if stop, err = adminui.Instrument(sio, o); err != nil {
		return nil, fmt.Errorf("-admin-ui: %w", err)
	}
	logger.Info("admin UI", "path", adminUIPath)
	return stop, nil
}

// adminPage serves the page; nil without -admin-ui.
func (a *adminUI) adminPage() http.Handler {
	if a.AdminUI == "" {
		return nil
	}
	return http.StripPrefix(adminUIPath, http.FileServerFS(os.DirFS(a.AdminUI)))
}
