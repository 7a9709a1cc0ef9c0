// Package teamsfake is Microsoft Teams as a server, for tests: the token
// service, the Bot Connector with conversations, members and messages that keep
// state, and the client side of people who write, press buttons and fill in
// dialogs. It enforces what the real one enforces (the bot's token, sizes,
// membership, known ids) and fails the test on requests the real one would not
// understand. It shares no code with the adapter.
package teamsfake
