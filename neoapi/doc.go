// Package neoapi is the client of Neo's public API.
//
// The operations, their permission groups, access and risk come from the
// embedded OpenAPI file and one reviewed table (Catalog). A Client holds the
// address and the key; a Session is the client bound to one person's Scope and
// is the only way to call: reads go through Session.Read, writes through
// Session.Apply, which wants a grant that only package approvals can make.
//
// When things fail: a call outside the scope is refused before anything is
// sent; reads wait out 429 and retry 5xx; writes are sent once and the Error
// says whether they can have taken effect.
package neoapi
