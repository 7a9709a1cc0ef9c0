package intents

// Statuses of runs and states of agents, in the bot's own words. Neo documents
// neither list of values, so the plan maps them onto what Neo answers.
var (
	runStatuses = []string{"failed", "completed", "running", "queued", "waiting", "cancelled", "skipped"}
	agentStates = []string{"enabled", "disabled"}
)

var (
	anAgent   = Arg{Name: "agent", Kind: ArgAgent, Help: "name of the agent, as said"}
	theAgent  = Arg{Name: "agent", Kind: ArgAgent, Help: "name of the agent, as said", Required: true}
	aTicket   = Arg{Name: "ticket", Kind: ArgTicket, Help: "ticket number"}
	aRun      = Arg{Name: "run", Kind: ArgRun, Help: "id of the run; leave out for the one talked about"}
	aWhen     = Arg{Name: "when", Kind: ArgWhen, Help: `time as said: "today", "yesterday", "last 24 hours", "since monday", "2026-11-20"`}
	aMonth    = Arg{Name: "month", Kind: ArgMonth, Help: `"this month", "last month", "october" or "2026-10"`}
	aStatus   = Arg{Name: "status", Kind: ArgStatus, Help: "only runs with this status", Enum: runStatuses}
	aState    = Arg{Name: "state", Kind: ArgState, Help: "only agents in this state", Enum: agentStates}
	mine      = Arg{Name: "mine", Kind: ArgState, Help: `"yes" for those the asking person may decide`, Enum: []string{"yes"}}
	anAbout   = Arg{Name: "about", Kind: ArgText, Help: "what the problem is, in the person's words"}
	aTopic    = Arg{Name: "topic", Kind: ArgText, Help: "what help is wanted about"}
	aWhy      = Arg{Name: "why", Kind: ArgText, Help: "what the person cannot do or wants to know about"}
	theName   = Arg{Name: "name", Kind: ArgText, Help: "the new name", Required: true}
	agentRead = []string{"list_agents", "get_agent"}
)

// Specs is the catalog of intents, in the order of the help card. One entry
// here makes an intent known to both routers, to help and to the permission
// check; the built-in router knows it by its Examples until questions for it are
// labelled and learned (make learn). The slice is new on every call.
func Specs() []Spec {
	return []Spec{
		{
			Name: "list_agents", Summary: "List the agents, all of them or only those switched on or off.",
			Args: []Arg{aState}, Ops: []string{"list_agents"},
			Examples: []string{"which agents are off?", "agents", "show all agents", "what agents do we have"},
		},
		{
			Name: "show_agent", Summary: "Show one agent: whether it is on, what starts it, how it did lately and what it does.",
			Args: []Arg{theAgent}, Ops: agentRead,
			Examples: []string{"show <agent>", "is <agent> on?", "how is <agent> set up", "tell me about the <agent> agent"},
		},
		{
			Name: "list_runs", Summary: "List runs of agents: what ran, when, on which ticket and how it ended.",
			Args: []Arg{anAgent, aTicket, aStatus, aWhen}, Ops: []string{"list_executions", "list_agents", "get_settings"},
			Examples: []string{"what failed today?", "did <agent> run <when>?", "what did Neo do on ticket <ticket>", "runs failed today"},
		},
		{
			Name: "explain_run", Summary: "Explain one run step by step: what it did and why it failed.",
			Args: []Arg{aRun, anAgent, aTicket}, Ops: []string{"list_executions", "get_execution", "list_execution_steps", "list_agents"},
			Examples: []string{"why did the last <agent> run fail?", "explain run <run>", "what went wrong on ticket <ticket>"},
		},
		{
			Name: "list_requests", Summary: "List Neo's technician requests that wait for a decision.",
			Args: []Arg{aTicket, anAgent, mine}, Ops: []string{"list_til_requests", "list_agents"},
			Examples: []string{"which technician requests are waiting?", "requests", "what is waiting for a technician on ticket <ticket>"},
		},
		{
			Name: "list_approvals", Summary: "List changes proposed here that still wait for somebody's approval.",
			Examples: []string{"what is waiting for my approval?", "approvals", "pending approvals"},
		},
		{
			Name: "enable_agent", Summary: "Switch an agent on (needs approval).", Write: true,
			Args: []Arg{theAgent}, Ops: append([]string{"update_agent"}, agentRead...),
			Examples: []string{"enable <agent>", "turn on <agent>"},
		},
		{
			Name: "disable_agent", Summary: "Switch an agent off (needs approval).", Write: true,
			Args: []Arg{theAgent}, Ops: append([]string{"update_agent"}, agentRead...),
			Examples: []string{"disable <agent>", "turn off <agent>"},
		},
		{
			Name: "rename_agent", Summary: "Give an agent another name (needs approval).", Write: true,
			Args: []Arg{theAgent, theName}, Ops: append([]string{"update_agent"}, agentRead...),
			Examples: []string{"rename <agent> to <name>"},
		},
		{
			Name: "run_agent", Summary: "Run an agent now, on a ticket if it needs one (needs approval).", Write: true,
			Args: []Arg{theAgent, aTicket}, Ops: append([]string{"run_agent_now"}, agentRead...),
			Examples: []string{"run <agent> on ticket <ticket>", "run <agent>"},
		},
		{
			Name: "credit_usage", Summary: "Show how many credits are used, what is left and which agents use most.",
			Args: []Arg{aMonth}, Ops: []string{"get_credit_usage", "get_credit_usage_by_agent"},
			Examples: []string{"how many credits have we used?", "credits <month>", "are we going to run out of credits"},
		},
		{
			Name: "escalate", Summary: "Write to the Neo team about a problem; shows first what would be sent.", Write: true,
			Args: []Arg{anAbout, aRun}, Ops: []string{"escalate_to_neo_team"},
			Examples: []string{"escalate this to the Neo team", "escalate"},
		},
		{
			Name: "my_permissions", Summary: "Show what you may use, why not, and who can grant or approve it.",
			Args:     []Arg{aWhy},
			Examples: []string{"what may I do?", "whoami", "why can't I disable agents?", "who can approve"},
		},
		{Name: "help", Summary: "Show what can be asked.", Args: []Arg{aTopic}, Examples: []string{"help", "help approvals", "what can you do"}},
		{Name: "reset", Summary: "Forget this conversation.", Examples: []string{"/reset", "/new", "start over"}},
	}
}

// SpecByName finds an entry of a catalog.
func SpecByName(specs []Spec, name string) (Spec, bool) {
	for _, s := range specs {
		if s.Name == name {
			return s, true
		}
	}
	return Spec{}, false
}

// Arg finds an argument of the spec by name.
func (s Spec) Arg(name string) (Arg, bool) {
	for _, a := range s.Args {
		if a.Name == name {
			return a, true
		}
	}
	return Arg{}, false
}
