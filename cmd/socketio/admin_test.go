package main

import "testing"

// An address without a host is one that only this machine reaches.
func TestAdminAddress(t *testing.T) {
	for given, want := range map[string]string{
		"": "", "9464": "127.0.0.1:9464", ":9464": "127.0.0.1:9464", "0.0.0.0:9464": "0.0.0.0:9464",
		"[::]:9464": "[::]:9464", "node1:9464": "node1:9464",
	} {
		a := admin{AdminAddr: given}
		if err := a.checkAdmin(); err != nil || a.AdminAddr != want {
			t.Errorf("%q: %q, %v, want %q", given, a.AdminAddr, err, want)
		}
	}
}
