package intents

import (
	"maps"
	"strings"
)

// lexicon is what all parts of the catalog know.
var lexicon = func() map[string]string {
	out := maps.Clone(coreLexicon)
	maps.Copy(out, moreLexicon)
	return out
}()

// coreLexicon maps what people write to what they mean: concept -> phrases,
// separated by "|". Phrases are in the router's plain form: lower case, no
// punctuation, contractions taken apart ("cannot" -> "can not"). Words of it
// are also what misspelled words are corrected to.
var coreLexicon = map[string]string{
	"show":       "show|list|display|give me|gimme|view|see|get me|pull up|print|find out|tell me|let me know|look up|check|lookup|overview|browse|bring up|fetch|run me through|read out|i need to see|lemme see|hit me with|need a list of|want a list of|checking|telling me|showing|showing me|listing|giving me|looking up|letting me know|telling us|pulling up|finding out|checking whether|checking if|may i ask|can i ask|could i ask|may i know|i would like to know|i need to know|i want to know|do you know",
	"what":       "what|which|anything|something|everything that|whatever|whichever",
	"howmany":    "how many|how much|count|number of|total number of|amount of",
	"how":        "how is|how are|how does|how to|how can|how should|how did|how",
	"about":      "about|details|detail|info|information|describe|description|status of|state of|what is up with|up with|cooking with|sup with|happening with|new with|facts on|state|rundown on|profile of|what is the story with|the story with|the deal with|the situation with",
	"setup":      "configured|configuration|config|set up|setup|settings|setting|purpose|for what|run next|next run|next|instructed|supposed to|instructions|does it do|conditions|tools|actions|permissions of|toolbox|run on its own|on its own|start on its own|prompt of",
	"agent":      "agent|workflow|bot|automation",
	"agents":     "agents|workflows|bots|automations",
	"run":        "run|execution|exec|job",
	"runs":       "runs|executions|run history|history|activity|jobs|run log|run logs",
	"ran":        "ran|executed|been running|been run|has run|have run|kicked in|did neo do|neo did|neo do|did it do|been doing|been up to|up to|work on|worked on|handled|handle|touch|touched",
	"did":        "did|has|have|do|does|was|were",
	"fail":       "fail|failed|fails|failing|failure|failures|error|errors|errored|broke|broken|break|crash|crashed|crashes|blow up|blew up|blown up|unsuccessful|went down|fell over|died|faulty|dies|erroring|errored out|error out|erroring out|blowing up|exploded|on fire|bombed|choked|barfed|tanked|crapped out|flopped|went bad|went sideways|botched|misfired|timed out|timeout|timeouts|did not work|did not finish|not finish|not work|blow|blew|borked|failed out|red|went up in flames|bust|busted|fell flat|went south|unsuccessfully|ko|fell on its face",
	"wrong":      "wrong|went wrong|go wrong|going wrong|goes wrong|acting up|act up|misbehaved|misbehaving|gone wrong|wrong with|problem with|problems with|trouble with|trouble|issue with|issues with|matter with",
	"happen":     "happened|happen|happens|happening|going on|went on|wtf",
	"why":        "why|how come|reason|reasons|cause of|caused|what made",
	"explain":    "explain|explanation|walk me through|steps|step by step|summarise|summarize|sum up|details of run|investigate",
	"last":       "last|latest|most recent|newest|current|previous run|final",
	"completed":  "completed|complete|succeeded|successful|successfully|success|finished|passed",
	"running":    "running|in progress|ongoing|in flight",
	"queued":     "queued|in the queue",
	"skipped":    "skipped",
	"cancelled":  "cancelled|canceled|aborted",
	"waiting":    "waiting|wait|waits|pending|outstanding|stuck|on hold|awaiting|open|undecided|need deciding|needs deciding|to decide|unanswered requests|unapproved|not approved|unresolved|need a decision|needs a decision|need attention from",
	"on":         "on|enabled|active|activated|live|switched on|turned on|up and running|online",
	"off":        "off|disabled|inactive|deactivated|switched off|turned off|paused|stopped|not running|not on|not enabled|not active|down|snoozing|sleeping|asleep|idle|dormant|dead|suspended|shut off|shut down|out of service|not live|halted|unplugged|switched of|turned of|not activated|not switched on|not turned on|offline",
	"ticket":     "ticket|tickets|tkt|incident|incidents|sr",
	"request":    "request|requests|til|technician request|technician requests|technician in the loop|til request|til requests",
	"technician": "technician|technicians|tech|techs|engineer|engineers",
	"approval":   "approval|approvals|sign off|signoff|proposals|proposed changes|proposed change|signed off|proposal",
	"approve":    "approve|approved|approver|approvers|grant|grants|authorise|authorize|allowed|signs off|sign it off|ok it|greenlight|green light",
	"change":     "change|changes",
	"me":         "me|my|mine|i|us|our",
	"credit":     "credit|credits|credit balance|credit usage|credit consumption",
	"cost":       "usage|bill|billing|billed|cost|costs|costing|spend|spending|spent|budget|quota|overage|consumption|consumed|exceed|exceeding|our plan|plan limit|run out of|burn|burning|burned|burnt|expense|expenses|allowance|eat|eats|eating|use up|used up|left over|consume|consumes|consuming",
	"permission": "permission|permissions|rights|access level|roles|whoami|who am i|privileges|permitted|write access|read access|access rights|entitled|right to|give me access|grant me access|my access|authorised|authorized|allowed for me|authorization|authorisation|my role|role|which role|security level|access to billing|access to|have access",
	"mayi":       "can i|may i|am i allowed|could i|i allowed|allowed to|i may|can we|may we|should i be able|am i permitted|i permitted|am i able|am i entitled|i have access|i have the right|i have the rights|do i have rights|do i have permission|do i have access|are we allowed|we allowed",
	"denied":     "can not i|i can not|can not we|we can not|not allowed|not permitted|denied|forbidden|refused|no access|insufficient|why may not i|i may not",
	"who":        "who|whom|whose|anyone|anybody|somebody|someone",
	"help":       "help|commands|manual|examples|user guide|guide|tutorial|cheat sheet|cheatsheet|usage guide",
	"ability":    "what can you do|what can i ask|what do you do|how do you work|what are you|who are you|what can neobot do|what do you know|what can i say|what kind of questions|what questions|what sort of things|what kind of things|how can you help|what are you able to do|what do you understand|what can i type|what do you support|how do i use you|how do i talk to you|what things can you do|your features|your capabilities|capabilities|what are you capable of|what you can do|how does this work|how does this bot work|list of commands|what can this bot do|what does this bot do|what are my options|what are you good for|what are you for|what can i do with you|what else can you do|what all can you do|what do i say|how can i use this bot|what is possible here|what are you good at|are you able to tell me|are you able to do|can you tell me about|able to tell me|can you show me about|can you help me with|can you help with|could you help with",
	"howto":      "how do i|how can i|how do we|how do|how does one|where can i|where do i",
	"greet":      "hello|hi|hey|good morning|good afternoon|good evening|thanks|thank you|cheers",
	"support":    "neo team|neo support|support team|support of neo|neo people|neoagent team|neoagent",
	"escalation": "escalate|escalation|escalating|escalated",
	"apikey":     "token|tokens|password|passwords|secret|secrets|credentials|api token|private key|system prompt",
	"content":    "say|says|reply|close|reopen|reassign|note|comment|update|content|contents|subject|body|merge",
	"other":      "knowledge base|webhook|prompt",
	"reset":      "reset|start over|start again|start fresh|fresh start|clean slate|new conversation|new chat|forget what|forget this|forget that|forget everything|begin a new conversation|new session|fresh conversation|clear the chat|clear this chat|clear context|clear the context|clear our conversation|clear the conversation|clear this conversation|clear history|clear the history|wipe this conversation|wipe the conversation|start from scratch|from scratch|reset the conversation|reset this thread|drop the context|forget our conversation|begin again|another topic|forget all|forget all of this|new topic|forget about it|forget about that|clear your memory|wipe your memory|forget the last question|forget what i said|new thread|start a new conversation|start a new chat|start new",
	"version":    "version|versions|version history|old versions|previous versions|change history|audit log|audit trail|revision|revisions|changelog|change log|audit|history of changes|edit history|previous settings|prior versions|earlier versions|older versions|modification history|all changes|edits|past versions|recent changes|last change|latest change|last changes|latest changes|modifications|last edit|last edits|change history of",
	"thing":      "it|that|this|one|them|these|those|that one|this one|both|him|her",
	"again":      "again|once more|one more time",
	"more":       "and|also|what about|how about|only|just|same for|same|but|or|now|then|ones|one|with|for|on|in|of|the|to|by|from|at|those|that|please|instead|agent|are|were|alone|give|show|me|again|too|as well|instead of that|this time|thanks|ok|okay|filter|narrow|down|per|every|all|us|only those|give me|show me|to see|i|meant|mean|sorry|actually|rather",
	"before":     "before|before that|previous|earlier",
}

// plainWords are English words that must not be "corrected" to words of the
// lexicon.
var plainWords = wordSet(`a an and any are as at be been being but by call calls came chart charts graph graphs plot come could day days each either every few find for
from get gets give given go going gone good got had has have he her here him his hour hours how if in into is it its keep keeps
know less let like long look looks made make makes many may me mean means might mine more most much must my need needs new next no
nobody none nor not nothing now of off often ok old on once one only or other our out over own part per please put quite rather real
really right said same saw say see seem seen send sent set shall she should since so some soon still such sure take taken tell than
that the their them then there these they thing things think this those though through thru time to today too took try two under until
up upon us use used uses very want wants was way we week well went were what when where which while who whom whose why will wish with
within without word words would write yes yesterday yet you your client clients company companies customer customers user users team
boss email mail phone board queue name names called month months year night morning afternoon evening hello weather joke order pizza
world office lights light cup won because after against almost alone along already although always among another around away back
became become becomes before behind below beside between both bring brought case cases cause clear close cold coming dear done down
during early else end enough even ever far fast feel fell felt fine first five four free full further great half hand happy hard held
high hold home hope hot idea instead joining job just kind kinds large late later lead least leave led left letter line list live
lost lot love low mad main man mark matter maybe meant meet men met middle mind minute minutes miss moment money move near never
nice note number open paid past pay people perhaps place plan play point possible problem problems question questions quick quickly
read ready reason rest room run save second seems sell several short shot show side simple simply single six size slow small sold
sorry sort sound spell stand stay step store story stuff such talk ten test thank thanks third three tired told top total touch toward
true turn turned twice type usual usually value visit voice wait walk wall warm water wear weeks whether white whole wide win wonder
wrong young having doing moving changed changes change charged chance range stamp stats stat stop shop ship share shared sharing
paper paying pausing password fire fired fail file files filed tail mail rail sail run ran rain train brain rum fun sun son nun gun
all recent recently current currently available existing overall total maybe anyway actually basically literally alert alerts notify warn
watch watches digest baseline drift subscribe subscription subscriptions everything everyone somewhere somehow something someone
published publish across besides whether meanwhile altogether kindly possible properly correctly exactly usually normally lately
draft thrift platform platforms understand answer answers kinds sorts ones management meeting quarterly monthly weekly daily yearly quarter boss manager manual normal shout`)

func wordSet(s string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(s) {
		set[w] = true
	}
	return set
}

// respelled are slips and chat spellings that no rule of distance finds.
var respelled = map[string]string{
	"teh": "the", "wat": "what", "wut": "what", "wot": "what", "wich": "which", "whihc": "which", "wht": "what", "y": "why", //nolint:misspell // misspellings are what this is about
	"pls": "please", "plz": "please", "plss": "please", "plaese": "please", "thx": "thanks", "ty": "thanks", "u": "you", "r": "are",
	"ur": "your", "lst": "last", "yest": "yesterday", "ystd": "yesterday", "tdy": "today", "2day": "today", "dsable": "disable",
	"dupes": "duplicates", "dups": "duplicates", "dupe": "duplicate", "fo": "of", "adn": "and", "nad": "and", "hwo": "how", "hte": "the", "thsi": "this", "form": "from", "abt": "about", //nolint:misspell // misspellings are what this is about
	"canceled": "cancelled", "cud": "could", "wud": "would", "shud": "should", "dis": "this", "da": "the", "tix": "ticket",
	"tic": "ticket", "sumthing": "something", "rn": "now", "perms": "permissions", "perm": "permission", "reqs": "requests",
	"req": "request", "cfg": "config", "pending?": "pending", "creds": "credits", "execs": "executions", "whats": "what is",
	"whos": "who is", "hows": "how is", "whys": "why is", "wheres": "where is", "thats": "that is", "dont": "do not",
	"doesnt": "does not", "didnt": "did not", "cant": "can not", "cannot": "can not", "wont": "will not", "isnt": "is not",
	"arent": "are not", "wasnt": "was not", "hasnt": "has not", "havent": "have not", "shouldnt": "should not",
	"couldnt": "could not", "wouldnt": "would not", "im": "i am", "ive": "i have", "lets": "let us", "wanna": "want to",
	"gonna": "going to", "shw": "show", "sho": "show", "companys": "companies", "wether": "whether", "b4": "before", "2nite": "tonight", "tmrw": "tomorrow", "tmr": "tomorrow", "yday": "yesterday", "nite": "night", "cookin": "cooking", "goin": "going", "happenin": "happening", "doin": "doing", "runnin": "running", "failin": "failing", "nothin": "nothing", "somethin": "something", "anythin": "anything", "gettin": "getting", "tonite": "tonight", "mornin": "morning", "wkend": "weekend", "ydy": "yesterday", "lasst": "last", "sinse": "since", "snice": "since", "sicne": "since", "sins": "since", "yestday": "yesterday", "wk": "week", "mth": "month", "hrs": "hours", "min": "minutes", "mins": "minutes", "cos": "because", "coz": "because", "bc": "because", "ppl": "people", "msg": "message", "msgs": "messages", "tmpl": "template", "cust": "customer", "wf": "workflow", "appr": "approval", "apprs": "approvals", "sched": "schedule", "tz": "timezone", "conv": "conversation", "convo": "conversation", "convos": "conversations", "usr": "user", "usrs": "users", "tday": "today", "shoud": "should", "culd": "could", "gotta": "have to", "lemme": "let me", "ignor": "ignore", "agian": "again", "nvm": "never mind", //nolint:misspell // misspellings are what this is about
}
