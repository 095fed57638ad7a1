// Package openapi has a test only: the HTTP API of cmd/socketio/api and its OpenAPI document agree,
// by the judgement of a library that knows OpenAPI. It is here so that nobody else depends on that.
package openapi
