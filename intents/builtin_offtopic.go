package intents

import "slices"

// What people also type into a chat and Neo knows nothing about. The words stay
// out of the vocabulary: nothing is ever corrected to them.
var (
	offTopicWords = wordSet(`weather joke jokes riddle poem song songs lyrics music movie movies film netflix spotify youtube amazon facebook instagram tiktok
recipe recipes cook coffee tea beer wine pizza lunch dinner breakfast restaurant sandwich snack hungry football soccer baseball basketball cricket
rugby tennis olympics championship president minister king queen election elections capital country countries population mountain river ocean planet
moon universe galaxy mortgage loan tax taxes bitcoin crypto stock stocks shares lottery landlord rent apartment dentist doctor gym yoga
horoscope zodiac birthday anniversary wedding girlfriend boyfriend wife husband mom mum dad mother father kids baby dog cat pet vacation flight flights hotel
hotels taxi uber bus parking car bike cv career promotion salary become essay homework exam university school math maths
calculus sqrt equation novel novels chess poker game games playstation xbox philosophy god religion politics war headlines
iphone android shoes shirt jeans haircut marketplace market oncall alarm translate translation spanish french italian japanese chinese rome
eiffel everest shakespeare einstein napoleon christmas easter halloween valentine sunrise sunset temperature rain raining snow snowing sunny umbrella`)
	// deviceWords are off topic unless something of Neo's is called so.
	deviceWords = wordSet("firewall antivirus mouse keyboard printer printers monitor monitors headset router switchport outlook excel teamviewer vpn wifi")
	// offTopicVerbs begin an order for something the bot does not do.
	offTopicVerbs = `write a|write me|write an|write us|write my|draft|compose|translate|sing|remind me|remind us|book|buy|order|play|draw|cook|bake|paint|drive|invite|reboot|reimage|patch|unlock|google|search the web|` +
		`add|install|uninstall|migrate|provision|upgrade|ship|email|mail|ring|text|solve|teach me|tell me a|tell us a|recommend|fix my|fix the|wake me|print my|proofread|spell|define`
)

// offTopic reports a message about something else than Neo: a word of another
// world in the sentence that asks, and neither an agent nor a ticket or run.
func (r *reading) offTopic() bool {
	if r.hasOne("@agent|@ticket|@run|@request") {
		return false
	}
	from := r.mainFrom()
	named := r.hasOne("chat|skill|template|script|integration|company|calls|watch")
	off := func(t token) bool {
		return !t.quoted && (offTopicWords[t.w] && !r.hasOne("chat") || deviceWords[t.w] && !named)
	}
	return slices.ContainsFunc(r.toks[from:], off) || r.hasOne("person") || r.clauseBegins(offTopicVerbs)
}
