package intents

import "sync"

// cue says that concepts which occur together speak for an intent. when lists
// them: "a b" both, "a|b" either, "!a" not a.
type cue struct {
	intent string
	when   string
	weight int
}

// cues of the reading intents, added up. Below minScore a message is not
// understood.
var cues = append([]cue{
	{"list_agents", "agents", 3},
	{"list_agents", "agents what|show|howmany|on|off", 4},
	{"list_agents", "agent what on|off !@agent", 4},
	{"list_agents", "agents !ran !runs !fail !why !credit !cost", 2},
	{"list_agents", "agents mayi|denied|howto|permission|approve !show", -9},
	{"list_agents", "agents denied", -9},

	{"show_agent", "@agent", 3},
	{"show_agent", "@agent on|off", 5},
	{"show_agent", "@agent what|show|about|how|setup", 3},
	{"show_agent", "@agent setup|about", 2},
	{"show_agent", "@agent setup run", 6},
	{"show_agent", "@agent agent !ran !run !runs", 1},

	{"list_runs", "runs", 5},
	{"list_runs", "ran", 5},
	{"list_runs", "running", 5},
	{"list_runs", "run", 3},
	{"list_runs", "run|runs|ran @when|@ticket|@agent|fail", 3},
	{"list_runs", "did run|ran", 2},
	{"list_runs", "did @agent|@ticket", 1},
	{"list_runs", "@ticket", 5},
	{"list_runs", "@ticket happen|what|did|show", 1},
	{"list_runs", "fail", 4},
	{"list_runs", "fail what|show|howmany|@when", 3},
	{"list_runs", "@agent @when", 6},
	{"list_runs", "@when happen|what", 4},
	{"list_runs", "completed|queued|cancelled|skipped", 3},
	{"list_runs", "completed|queued|cancelled|skipped run|runs|@when", 3},
	{"list_runs", "credit|cost", -6},
	{"list_runs", "why", -6},

	{"explain_run", "why", 5},
	{"explain_run", "why fail|ran|run|did|wrong", 5},
	{"explain_run", "why @ticket|@run|@agent", 3},
	{"explain_run", "why off|on !fail", -8},
	{"explain_run", "explain", 6},
	{"explain_run", "explain run|@run|@ticket|@agent", 4},
	{"explain_run", "wrong", 7},
	{"explain_run", "wrong @ticket|@agent|@run|last", 4},
	{"explain_run", "happen last run", 9},
	{"explain_run", "happen @agent !@when", 5},
	{"explain_run", "happen @run", 5},
	{"explain_run", "@run", 9},

	{"list_requests", "request", 7},
	{"list_requests", "request waiting|show|what|howmany", 3},
	{"list_requests", "request @ticket|@agent", 4},
	{"list_requests", "waiting technician", 11},
	{"list_requests", "waiting @ticket", 5},
	{"list_requests", "request howto|mayi", -9},

	{"list_approvals", "approval", 6},
	{"list_approvals", "approval waiting|show|what|howmany|me", 4},
	{"list_approvals", "approve waiting", 10},
	{"list_approvals", "change waiting", 9},
	{"list_approvals", "waiting !@ticket !@agent !request !technician !run !runs", 5},
	{"list_approvals", "waiting me !request !technician", 3},
	{"list_approvals", "approval request waiting|show|what", 3},
	{"list_approvals", "approval howto|mayi|who|help|how", -12},

	{"credit_usage", "credit", 8},
	{"credit_usage", "credit what|show|howmany|cost|@when|agent|agents", 3},
	{"credit_usage", "cost", 6},
	{"credit_usage", "cost what|show|howmany|how|@when", 3},

	{"reset", "reset !@agent", 7},

	{"help", "help", 8},
	{"help", "ability", 12},
	{"help", "howto", 8},
	{"help", "howto approval|escalation|request|credit|agent|agents|run|runs|permission|@agent|change", 8},
	{"help", "how approval|escalation|support", 9},

	{"my_permissions", "permission", 10},
	{"my_permissions", "mayi", 8},
	{"my_permissions", "mayi show", -5},
	{"my_permissions", "denied", 12},
	{"my_permissions", "why mayi|denied", 10},
	{"my_permissions", "who approve|approval", 12},
	{"my_permissions", "who mayi|permission", 8},
	{"my_permissions", "who waiting", -8},
}, moreCues...)

// minScore a reading intent needs, and the lead it needs over the next one.
const minScore = 5

// minMainScore is what the last sentence needs to be read without the others.
const minMainScore = 8

// cueTerms are the concepts of each cue, taken apart once.
var cueTerms = sync.OnceValue(func() [][]term {
	out := make([][]term, len(cues))
	for i, c := range cues {
		out[i] = terms(c.when)
	}
	return out
})

var refusalTerms = sync.OnceValue(func() [][]term {
	out := make([][]term, len(refusals))
	for i, c := range refusals {
		out[i] = terms(c.concepts)
	}
	return out
})

// cued are the intents that have cues.
var cued = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{}
	for _, c := range cues {
		out[c.intent] = true
	}
	return out
})

// cuedMore are the intents of the chapters that have cues.
var cuedMore = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{}
	for _, c := range moreCues {
		out[c.intent] = c.weight > 0
	}
	for _, s := range Specs() {
		delete(out, s.Name)
	}
	return out
})

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
	concepts string // like cue.when
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
