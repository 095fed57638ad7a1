// Package jwtauth lets only clients with a valid JSON Web Token connect. It is what the flags -jwt-...
// of "socketio serve" use.
//
// The token is auth.token of the client's options, or that of the first request's header
// "Authorization: Bearer ...". It must have an expiry time (exp), which may have passed by Leeway, as
// may the time before which it is not valid (nbf). Issuer and audience are checked if configured. A
// token is checked when a client connects and when it is recovered. The connection outlives it unless
// Config.CloseExpired is set.
//
// Which algorithms a token may be signed with follows from the key, never from the token alone:
//
//	secret, 32 bytes or more    HS256; with 48 bytes HS384 too, with 64 bytes HS512 too
//	RSA, 2048 bits or more      RS256 RS384 RS512 PS256 PS384 PS512
//	ECDSA P-256, P-384, P-521   ES256, ES384, ES512
//	Ed25519                     EdDSA
//
// So no token signed with a public key as if it were a secret is valid, nor one without a signature.
// Secrets in a JSON Web Key Set are ignored.
//
// A client without a valid token gets a "connect_error" with the message "token missing", "token
// expired" or "token invalid". The log says why, as a warning once a minute for each of the three.
//
// The package has no locks of its own. The goroutine that refreshes a key set ends with the context
// that New was given.
package jwtauth
