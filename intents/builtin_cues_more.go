package intents

// moreLexicon are the concepts of the chapters beyond the core; it is merged
// into lexicon.
var moreLexicon = map[string]string{
	"template":    "template|templates|template library",
	"calls":       "phone call|phone calls|calls|call history|call log|call logs|voicemail|voicemails",
	"called":      "called|rang",
	"howlong":     "how long",
	"chatting":    "chat with me|chat with us",
	"missed":      "missed|miss|unanswered",
	"phonenumber": "phone number|phone numbers|numbers",
	"chat":        "chat|chats|chat session|chat sessions|session|sessions|conversations",
	"integration": "integration|integrations|connector|connectors",
	"sync":        "sync|synced|syncs|syncing|sync run|sync runs|sync history|synchronised|synchronized",
	"skill":       "skill|skills",
	"backfill":    "backfill|backfills",
	"artifact":    "artifact|artifacts|artefact|artefacts|output|outputs|produce|produced|produces|deliverables|files|documents",
	"report":      "report|reports",
	"script":      "script|scripts|rmm|rmm script|rmm scripts",
	"roi":         "roi|return on investment|insights|insights analysis|time saved|hours saved|worth it",
	"saving":      "save|saves|saved|saving",
	"scheduled":   "scheduled|schedule|schedules|planned|upcoming|coming up|scheduled work|scheduled runs",
	"hours":       "business hours|working hours|office hours|opening hours|time zone|timezone|time zones",
	"companies":   "companies|end companies|client companies|clients|customers",
	"company":     "company|end company|client company",
	"connected":   "connected|granted|consented",
	"tenant":      "tenant",
	"notice":      "notice|notices|inbox|attention|needs attention|need attention|announcements",
	"reliable":    "reliable|reliability|unreliable|failure rate|failure rates|error rate|error rates|flops|sucks|flaky|flakiest",
	"most":        "most|the most|worst|least|heaviest|top",
	"stats":       "stats|stat|statistics|success rate|success rates|how often|in numbers",
	"succeed":     "succeed|succeeds",
	"slow":        "slow|slower|slowest|sluggish|laggy|lag|lagging|delay|delays|delayed|latency|timing|bottleneck|take so long|takes so long",
	"pipeline":    "pipeline|event pipeline|funnel",
	"teamsbot":    "mau|maus|teams bot|teams users|monthly active users|active users|end users",
	"per":         "per company|by company|per client|by client|per customer|by customer|each company",
	"edited":      "changed|edited|modified|tweaked|altered|messed|messed with|screwed|screwed with|fiddled",
	"compare":     "compare|compared|comparison|diff|difference|differences|differ|differs",
	"triggered":   "triggered|started|kicked off|set off",
	"event":       "event|events|callback|callbacks",
	"pickup":      "pick up|picked up|pick|not run|not start|react|reacted|not pick up|not start on|kick in",
	"decision":    "decision|decisions",
	"field":       "field values|field value|field decisions|field decision|fields|field",
	"assigned":    "assigned|dispatched|routed|got|assigned to|dispatched to",
	"channels":    "channels|teams channels",
	"intake":      "intake form|intake forms|intake|request types|neo intents",
	"use":         "used|use|uses|using|users|user",
	"keys":        "api key|api keys|the key",
	"neo":         "neo|neo is api",
	"fieldname":   "the priority|priority of|the category|the status|the queue|the type|the subtype|the issue type|the sub type",
	"health":      "up|online|healthy|health|reachable",
}

// moreCues are the cues of the chapters. Their nouns are unmistakable, so they
// weigh more than the general words of the core, and take weight away from it.
var moreCues = []cue{
	{"agent_versions", "version @agent|agent", 14},
	{"agent_versions", "version !@agent !agent", 9},
	{"agent_versions", "who edited @agent", 16},
	{"agent_versions", "who edited agent !@agent", 12},
	{"agent_versions", "change @agent !waiting !approval !why !howto !mayi !denied !compare", 8},
	{"compare_agent", "compare @agent", 16},
	{"compare_agent", "compare agent !@agent", 10},
	{"compare_agent", "what edited @agent !who", 16},
	{"agent_stats", "stats @agent", 16},
	{"agent_stats", "stats run|runs @agent", 4},
	{"agent_stats", "stats fail|completed|succeed @agent", 6},
	{"agent_stats", "stats agent !@agent", 8},

	{"list_templates", "template", 18},

	{"why_run", "why pickup @ticket", 30},
	{"why_run", "why pickup @agent !@run", 15},
	{"why_run", "why did run @ticket !fail !last", 16},
	{"why_run", "event @ticket !@run", 20},
	{"run_trigger", "triggered what run|@run|last|thing|agent|@agent !why", 17},
	{"run_trigger", "event run|@run|triggered !@ticket", 17},
	{"run_decisions", "field", 16},
	{"run_decisions", "decision run|@run|thing", 16},
	{"run_decisions", "why fieldname @ticket|@run", 22},
	{"run_artifacts", "artifact", 17},
	{"run_artifacts", "report run|@run|last", 20},
	{"run_requests", "request|approval run|@run !waiting", 20},
	{"rmm_scripts", "script", 18},
	{"dispatch_decisions", "decision !run !@run !field !waiting !request !technician", 15},
	{"dispatch_decisions", "assigned @ticket who|why|what !fail", 22},
	{"scheduled_work", "scheduled !@agent", 16},
	{"scheduled_work", "what @future", 12},
	{"backfills", "backfill", 16},

	{"show_request", "@request", 18},
	{"chat_sessions", "chat !use !cost", 15},

	{"settings", "hours", 16},
	{"tenant", "tenant !@agent", 8},
	{"neo_health", "neo health|off", 11},
	{"companies", "companies what|show|howmany|connected", 14},
	{"companies", "companies", 4},
	{"company", "company !companies !per", 10},
	{"company", "connected !integration !companies !company", 10},
	{"integrations", "integration !sync", 16},
	{"sync_runs", "sync", 18},
	{"skills", "skill", 16},
	{"intake_forms", "intake", 20},
	{"channels", "channels", 12},
	{"notices", "notice", 14},
	{"api_keys", "keys", 30},

	{"reliability", "reliable", 18},
	{"reliability", "fail most !@agent", 18},
	{"agent_timing", "slow agent|agents !@agent", 16},
	{"agent_timing", "slow @agent|runs", 12},
	{"pipeline", "pipeline", 18},
	{"pipeline", "slow !agent !agents !@agent !runs", 12},
	{"chat_usage", "chat use|cost", 17},
	{"chat_users", "chat use who", 22},
	{"chat_agents", "chat use|most agent|agents", 24},
	{"teams_users", "teamsbot", 20},
	{"teams_users_detail", "teamsbot per", 26},
	{"roi", "roi", 18},
	{"roi", "saving howmany|neo|what", 12},
	{"phone_numbers", "phonenumber", 18},
	{"phone_calls", "calls", 18},
	{"phone_calls", "missed", 6},
	{"phone_calls", "called who|howmany|missed @when", 14},
	{"pipeline", "howlong waiting|neo !run !runs !@agent", 14},
	{"list_approvals", "howlong", -8},

	{"list_runs", "calls|chat|script|backfill|decision|artifact|scheduled", -12},
	{"list_requests", "@request", -8},
	{"list_requests", "run|@run !waiting", -4},
	{"help", "keys", -10},
	{"show_agent", "@agent health", 6},
	{"list_agents", "reliable|most|slow", -8},
	{"credit_usage", "teamsbot|roi|chat", -12},
	{"explain_run", "why fieldname", -6},
}

// oneOf are lists with an intent for one of them: picked when the message has
// the noun in the singular and a name with it.
var oneOf = map[string]struct{ noun, intent, arg string }{
	"list_templates": {"template", "show_template", "template"},
	"skills":         {"skill", "show_skill", "skill"},
	"chat_sessions":  {"chat|session|conversation", "chat_session", "session"},
}

// byGrammar are intents recognised by the form of the sentence
// (subscriptionIntent, operationSaid), never by cues or likeness.
var byGrammar = map[string]bool{
	intentWatch: true, intentWatches: true, intentPauseWatch: true, intentResumeWatch: true, intentRemoveWatch: true, intentDigest: true,
	intentSchedule: true, intentSaveBaseline: true, intentDrift: true, "call_operation": true,
}

// moreCommands are the orders of the chapters. Without what needs lists, in the
// message or as the subject of the last turn, the verb is no order: "cancel it"
// about a run is, "cancel my meeting" is not.
var moreCommands = []commandVerb{
	{intent: "retry_run", verbs: "retry|redo|rerun run|rerun execution|try _ again", needs: "run|runs|@run|@agent|last"},
	{intent: "cancel_run", verbs: "cancel|abort|terminate|stop _ run|stop _ execution|stop _ job|kill _ run|kill _ job", needs: "run|runs|@run"},
	{intent: "pause_backfill", verbs: "pause _ backfill|hold _ backfill|suspend _ backfill|halt _ backfill"},
	{intent: "resume_backfill", verbs: "resume _ backfill|continue _ backfill|restart _ backfill|unpause _ backfill"},
	{intent: "cancel_backfill", verbs: "cancel _ backfill|stop _ backfill|abort _ backfill|end _ backfill|kill _ backfill|terminate _ backfill"},
	{intent: "start_template", verbs: "start _ template|use _ template|create _ from template|create _ from the template|make _ from template|" +
		"set up _ from template|deploy _ template|instantiate _ template|spin up _ template"},
	{intent: "set_instructions", verbs: "change _ instructions|set _ instructions|update _ instructions|replace _ instructions|rewrite _ instructions"},
	{intent: "change_setting", verbs: "set _ time zone|set _ timezone|set _ business hours|change _ time zone|change _ timezone|change _ business hours|" +
		"update _ time zone|update _ timezone|update _ business hours|switch _ time zone|switch _ timezone"},
	{intent: "start_roi", verbs: "start _ roi|run _ roi|recalculate _ roi|recompute _ roi|calculate _ roi|refresh _ roi|redo _ roi|start _ insights|run _ insights|recalculate _ insights"},
	{intent: "accept_handover", verbs: "take over|take _ over|accept _ handover|accept _ chat|take _ handover", needs: "chat"},
}
