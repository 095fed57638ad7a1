package rawclient

// Upgrade moves the session to WebSocket. Nothing may be polling meanwhile, and the Poller is not used any more.
func (p *Poller) Upgrade() *Conn {
	p.t.Helper()
	c := p.Probe()
	c.Send("5")
	return c
}

// Probe opens a WebSocket that the session may be moved to by the packet "5".
func (p *Poller) Probe() *Conn {
	p.t.Helper()
	c, err := p.e.upgrade("EIO=4&transport=websocket&sid=" + p.Sid)
	if err != nil {
		p.t.Fatalf("open a websocket: %v", err)
	}
	c.Sid = p.Sid
	c.Send("2probe")
	c.Want("3probe")
	return c
}
