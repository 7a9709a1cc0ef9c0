package intents

import "sync"

// today is the nearest thing to "how are things": counts of today's runs.
var today = Intent{Name: "list_runs", Args: map[string]string{"when": "today"}}

// exact are whole messages with one meaning.
var exact = map[string]Intent{
	"/reset": {Name: "reset"}, "reset": {Name: "reset"}, "/new": {Name: "reset"}, "new": {Name: "reset"}, "start over": {Name: "reset"},
	"new conversation": {Name: "reset"}, "new chat": {Name: "reset"}, "forget this": {Name: "reset"}, "forget that": {Name: "reset"},
	"forget everything": {Name: "reset"}, "clear": {Name: "reset"}, "forget this conversation": {Name: "reset"},
	"reset conversation": {Name: "reset"}, "reset this conversation": {Name: "reset"}, "forget it all": {Name: "reset"},
	"": {Name: "help"}, "/help": {Name: "help"}, "help": {Name: "help"}, "help me": {Name: "help"}, "menu": {Name: "help"},
	"hello": {Name: "help"}, "hi": {Name: "help"}, "hey": {Name: "help"}, "examples": {Name: "help"},
	"whoami": {Name: "my_permissions"}, "who am i": {Name: "my_permissions"}, "permissions": {Name: "my_permissions"},
	"my permissions": {Name: "my_permissions"}, "what may i do": {Name: "my_permissions"}, "what can i do": {Name: "my_permissions"},
	"what am i allowed to do": {Name: "my_permissions"},
	"status":                  today, "status report": today, "report": today, "what is up": today, "what is new": today, "is everything ok": today,
	"is everything okay": today, "is everything fine": today, "how are things": today, "what is going on": today, "what is happening": today,
	"companies": {Name: "companies"}, "clients": {Name: "companies"}, "customers": {Name: "companies"}, "end companies": {Name: "companies"},
	"chat users": {Name: "chat_users"}, "settings": {Name: "settings"}, "our settings": {Name: "settings"}, "show settings": {Name: "settings"}, "neo settings": {Name: "settings"},
	"pending": {Name: "list_approvals"}, "queue": {Name: "list_approvals"},
}

// refusalCue is something people ask for that no intent offers. verbs must begin
// the message's order; concepts may stand anywhere.
type refusalCue struct {
	verbs    string // first words of a clause, "|" separated
	concepts string // "a b" both, "a|b" either, "!a" not a
	ask      string
	unless   string // an intent that offers it
}

var refusals = []refusalCue{
	{verbs: "approve|reject|deny|decline|accept|confirm|authorise|authorize|grant", ask: askDecide},
	{concepts: "apikey !help !chat !skill !template", ask: askNoSecrets},
	{verbs: "delete|remove|destroy|erase|wipe|nuke|uninstall|drop|purge", ask: askNoDelete, unless: "delete_agent"},
	{verbs: "create|add|build|make|new|set up|clone|duplicate|copy", concepts: "agent|agents|@agent", ask: askNoCreate, unless: "create_agent"},
	{verbs: "cancel|abort|stop|kill|terminate", concepts: "run|runs|@run", ask: askNoCancel, unless: "cancel_run"},
	{verbs: "retry|rerun|redo|repeat|restart", concepts: "run|@run", ask: askNoRetry, unless: "retry_run"},
	{verbs: "edit|change|update|modify|configure|set|adjust|reschedule", concepts: "@agent|agent|agents", ask: askNoEdit, unless: "update_agent"},
	{concepts: "ticket howmany|show|waiting|what !@ticket !skill !template !chat !report !calls !trigger !run !runs !ran !fail !request !technician !why !agent !agents !@agent !assigned !scheduled !script !approval !neo !pickup !event !field !fieldname", ask: askNoTickets},
	{concepts: "takeover handover|chat", ask: askMeant},
	{concepts: "@ticket|ticket content|fieldname !chose !trigger !triggered !event !pickup !how !why !ran !run !runs", ask: askNoTickets},
	{verbs: "close|reopen|assign|reassign|update|merge|create|open|add|reply|comment|write|read|edit|delete", concepts: "@ticket|ticket", ask: askNoTickets},
	{verbs: "undo|revert|roll back|rollback|take back", ask: askUndo},
	{concepts: "version !credit", ask: askNotHere, unless: "agent_versions"},
	{concepts: "template", ask: askNotHere, unless: "list_templates"},
	{concepts: "calls", ask: askNotHere, unless: "phone_calls"},
	{concepts: "chat", ask: askNotHere, unless: "chat_sessions"},
	{concepts: "integration|sync", ask: askNotHere, unless: "integrations"},
	{concepts: "skill", ask: askNotHere, unless: "skills"},
	{concepts: "backfill", ask: askNotHere, unless: "backfills"},
	{concepts: "artifact", ask: askNotHere, unless: "run_artifacts"},
	{concepts: "script", ask: askNotHere, unless: "rmm_scripts"},
	{concepts: "roi", ask: askNotHere, unless: "roi"},
	{concepts: "keys", ask: askNoSecrets, unless: "api_keys"},
	{concepts: "other", ask: askNotHere},
}

// refusalTerms are their concepts, taken apart once.
var refusalTerms = sync.OnceValue(func() [][]term {
	out := make([][]term, len(refusals))
	for i, c := range refusals {
		out[i] = terms(c.concepts)
	}
	return out
})
