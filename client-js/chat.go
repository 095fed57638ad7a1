package clientjs

import (
	"embed"
	"io/fs"
)

//go:embed chat
var embedded embed.FS

// Chat returns the files of the demo's chat page: index.html and what it loads besides the client bundle.
func Chat() fs.FS {
	chat, err := fs.Sub(embedded, "chat")
	if err != nil { // the name is a constant and valid
		panic(err)
	}
	return chat
}
