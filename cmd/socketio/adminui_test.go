package main

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/gosocketio/socketio/internal/lockedbuffer"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// The page is at /admin-ui/, and who has the password, or a hash of it, is an admin.
func TestAdminUI(t *testing.T) {
	page := t.TempDir()
	writeFile(t, filepath.Join(page, "index.html"), "the page")
	hash, err := bcrypt.GenerateFromPassword([]byte("changeit"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	for _, password := range []string{"changeit", string(hash)} {
		t.Setenv("SOCKETIO_ADMIN_UI_PASSWORD", password)
		p := start(t, "-admin-ui", page)
		if status, body, _ := fetch(t, p.url+"/admin-ui/", nil); status != 200 || body != "the page" {
			t.Errorf("%d %s", status, body)
		}
		for auth, want := range map[string]string{
			`{"username":"admin","password":"changeit"}`: `40/admin,{"sid":`,
			`{"username":"admin","password":"wrong"}`:    `44/admin,{"message":"invalid credentials"}`,
		} {
			c := rawclient.At(t, strings.TrimPrefix(p.url, "http://")).WebSocket()
			c.Send("40/admin," + auth)
			if got := c.Read(); !strings.HasPrefix(got, want) {
				t.Errorf("%s: %s, want %s", auth, got, want)
			}
			c.Close()
		}
		p.end(t)
	}
}

func TestAdminUIMistakes(t *testing.T) {
	page := t.TempDir()
	writeFile(t, filepath.Join(page, "index.html"), "the page")
	for _, c := range []struct{ args, says string }{
		{"-admin-ui " + page, "SOCKETIO_ADMIN_UI_PASSWORD"},
		{"-admin-ui-readonly", "-admin-ui"},
		{"-admin-ui " + page + " -admin-ui-no-auth -admin-ui-password x", "-admin-ui-no-auth"},
		{"-admin-ui " + t.TempDir() + " -admin-ui-no-auth", "ui/dist"},
		{"-admin-ui " + page + " -admin-ui-password " + strings.Repeat("x", 73), "-admin-ui-password"},
		{"-admin-ui " + page + " -admin-ui-password $2a$16$" + strings.Repeat("a", 53), "cost 16"},
		{"-path /admin-ui", "-path"},
	} {
		var stdout, stderr lockedbuffer.Buffer
		code := run(t.Context(), append([]string{"serve"}, strings.Fields(c.args)...), &stdout, &stderr)
		if said := stderr.String(); code != exitFailed || !strings.Contains(said, c.says) || strings.Count(said, "\n") != 1 {
			t.Errorf("%q: exit code %d, %q", c.args, code, said)
		}
	}
}
