package intents

import "strings"

// moreCommands are the orders of the chapters. Without what needs lists, in the
// message or as the subject of the last turn, the verb is no order: "cancel it"
// about a run is, "cancel my meeting" is not.
var moreCommands = []commandVerb{
	{intent: "retry_run", verbs: "retry|redo|try _ again|retrying|give _ another try|give _ another go|give _ another shot|take another shot at|have another go at|" + each("rerun|repeat|restart", runNouns), needs: "run|runs|@run|@agent|last"},
	{intent: "retry_run", verbs: "rerun|repeat|run _ again", needs: "@run"},
	{intent: "cancel_run", verbs: "cancel|abort|terminate", needs: "run|runs|@run|running"},
	{intent: "cancel_run", verbs: each("stop|kill|halt|end|interrupt", runNouns)},
	{intent: "pause_backfill", verbs: each("pause|hold|suspend|halt|freeze|put", "backfill")},
	{intent: "resume_backfill", verbs: each("resume|continue|restart|unpause|unfreeze|reactivate|carry on with|go on with|proceed with", "backfill")},
	{intent: "cancel_backfill", verbs: each("cancel|stop|abort|end|kill|terminate|drop", "backfill")},
	{intent: "rerun_failed_backfill", verbs: each("rerun|retry|redo|repeat|run", "backfill") + "|" + each("rerun|retry|redo|repeat", "backfill tickets|backfill failures"), needs: "backfill"},
	{intent: "start_template", verbs: each("start|use|deploy|instantiate|apply|roll out|try", "template")},
	{intent: "start_template", verbs: each("create|make|build|set up|spin up|add|generate|new agent|new workflow|launch", "template"), needs: "basedon"},
	{intent: "set_instructions", verbs: each("change|set|update|replace|rewrite|edit|overwrite|adjust|modify", "instructions|prompt|instruction")},
	{intent: "change_setting", verbs: each("set|change|update|switch|move|adjust|shift|make|put|edit", "time zone|timezone|business hours|working hours|office hours|opening hours|tz|business day")},
	{intent: "start_roi", verbs: each("start|run|recalculate|recompute|calculate|compute|refresh|redo|rerun|kick off|launch|update|work out|generate|repeat",
		"roi|insights|insights analysis|return on investment")},
	{
		intent: "accept_handover", verbs: "take over|take _ over|i will take over|i will take|let me take over|" + each("accept|take|claim|grab|join|pick up|jump into|get", "handover|chat|hand over|conversation"),
		needs: "chat|handover",
	},
}

const runNouns = "run|execution|job|exec"

// each joins every verb with every noun, with a gap for what stands between.
func each(verbs, nouns string) string {
	var out []string
	for v := range strings.SplitSeq(verbs, "|") {
		for n := range strings.SplitSeq(nouns, "|") {
			out = append(out, v+" _ "+n)
		}
	}
	return strings.Join(out, "|")
}
