// Package teams is the Microsoft Teams side of the bot: it verifies and takes
// what the Bot Connector delivers to /api/messages, and posts cards back.
//
// Inbound: body capped, token verified (Validator), tenant on the allow-list,
// then a message or click goes into the inbox and only after that Teams is
// answered. A pressed button waits up to 2.5 s for its answer, because Teams
// takes the new card from the HTTP response. Outbound: Connector, with an app
// token of the bot's own tenant, to hosts of Microsoft only. Where conversations
// live (service URL, chat of a person) is kept in Refs and renewed by every
// activity.
//
// It decides nothing: it names the person and says what Teams vouches for
// (Verify). Every doubt is a no: an unverifiable token is a 401, an unknown
// tenant is not served, a person without an Entra object id or with another
// home tenant is an outsider.
//
// When things fail: Redis down is a 503 and Teams delivers again; Microsoft's
// key server down leaves the known keys in use; a lost token is fetched again;
// throttling is waited out as told.
package teams
