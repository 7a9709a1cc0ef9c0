package slack

// Scopes are the bot scopes the app needs, and no more; see Manifest for what
// each is for.
func Scopes() []string {
	return []string{
		"app_mentions:read", "channels:history", "channels:read", "chat:write", "commands",
		"groups:history", "groups:read", "im:history", "im:read", "im:write",
		"mpim:history", "mpim:read", "users:read",
	}
}
