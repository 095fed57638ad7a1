// Package adminui is the server half of the official admin UI, @socket.io/admin-ui 0.5.
//
// [Instrument] adds the namespace /admin to a server. The page, which the npm package has in ui/dist,
// connects to it from anywhere and shows servers, namespaces, rooms, sockets and events; an admin has
// sockets join and leave rooms and disconnects them. In a cluster it shows all servers, also official
// ones that have their own admin UI, and their admins see this server.
//
// Nobody is let in without a password unless Options.NoAuth is set. In production mode, the default,
// admins see counts alone. In development mode they see every socket, and every event with its
// arguments, up to Options.MaxEventsPerSecond.
//
// # Cost
//
// While no admin is connected to a single server nothing listens to events or rooms. The servers of a
// cluster send their statistics every 2 s. In development mode they also send who connects, joins,
// leaves and disconnects, because an admin of an official server does not announce itself; events are
// sent once an admin is found, which takes up to 2 s.
//
// # Locks and owners
//
// Two goroutines run from Instrument until stop: one sends the statistics, the other lists sockets
// and looks for admins on other servers. admin.mu guards who is connected and the listeners of
// each namespace, sessions.mu the ids of sessions, upgrades.mu the sockets whose transport may change.
// None is held during I/O or user code. Sending happens on the goroutine on which the thing happened.
package adminui
