package intents

import (
	"context"
	"strings"
	"time"

	"neobot/cards"
	"neobot/neoapi"
)

// tenantChapter is settings, companies, integrations and the other lists of a tenant.
func tenantChapter() []entry {
	return []entry{
		{Spec: Spec{
			Name: "settings", Summary: "Show Neo's settings: time zone and business hours.", Ops: []string{"get_settings"},
			Examples: []string{"what are our business hours in Neo?", "settings", "which time zone is set"},
		}, plan: planSettings},
		{Spec: Spec{
			Name: "change_setting", Summary: "Change the time zone or business hours (needs approval).", Write: true,
			Args: []Arg{
				{Name: "setting", Kind: ArgStatus, Help: "which setting", Enum: []string{"timezone", "start of business hours", "end of business hours"}, Required: true},
				{Name: "value", Kind: ArgText, Help: "the new value, such as Europe/Berlin or 8", Required: true},
			}, Ops: []string{"update_settings", "get_settings"},
			Examples: []string{"set the timezone to <value>", "set start of business hours to <value>"},
		}, plan: planChangeSetting},
		{Spec: Spec{Name: "tenant", Summary: "Show which Neo tenant this is.", Ops: []string{"get_tenant"}, Examples: []string{"which tenant is this?", "tenant"}}, plan: planObject("get_tenant", "Tenant")},
		{Spec: Spec{Name: "neo_health", Summary: "Show whether Neo's API is up.", Ops: []string{"get_health"}, Examples: []string{"is Neo up?", "neo health"}}, plan: planObject("get_health", "Neo's state")},
		{Spec: Spec{
			Name: "companies", Summary: "List client companies and whether Microsoft 365 access is granted.",
			Args: []Arg{anAboutTopic}, Ops: []string{"list_end_companies"}, Examples: []string{"which companies are set up?", "end companies", "clients"},
		}, plan: companyList.plan},
		{Spec: Spec{
			Name: "company", Summary: "Show one client company: Microsoft 365 access and instructions.",
			Args: []Arg{{Name: "company", Kind: ArgText, Help: "name of the company", Required: true}}, Ops: []string{"list_end_companies", "get_end_company"},
			Examples: []string{"is <company> connected?", "show company <company>", "is M365 access granted for <company>"},
		}, plan: planCompany},
		{Spec: Spec{
			Name: "integrations", Summary: "List integrations and whether they are connected.", Ops: []string{"list_integrations"},
			Examples: []string{"which integrations are connected?", "integrations"},
		}, plan: integrationList.plan},
		{Spec: Spec{
			Name: "sync_runs", Summary: "Show the sync runs of an integration and what failed in them.",
			Args: []Arg{{Name: "integration", Kind: ArgText, Help: "name of the integration", Required: true}}, Ops: []string{"list_integrations", "list_integration_sync_runs"},
			Examples: []string{"did <integration> sync?", "sync runs of <integration>"},
		}, plan: planSyncRuns},
		{Spec: Spec{Name: "skills", Summary: "List the skills agents can use.", Ops: []string{"list_skills"}, Examples: []string{"which skills do we have?", "skills"}}, plan: skillList.plan},
		{Spec: Spec{
			Name: "show_skill", Summary: "Show a skill with its text.", Args: []Arg{{Name: "skill", Kind: ArgText, Help: "name of the skill", Required: true}},
			Ops: []string{"list_skills", "get_skill"}, Examples: []string{"show the skill <skill>"},
		}, plan: planSkill},
		{Spec: Spec{
			Name: "intake_forms", Summary: "List the intake forms (Neo calls them intents) of the customer chat.", Ops: []string{"list_intents"},
			Examples: []string{"which intake forms are there?", "neo intents", "request types"},
		}, plan: intakeList.plan},
		{Spec: Spec{
			Name: "channels", Summary: "List the Teams channels chat agents are published to.", Ops: []string{"list_channels"},
			Examples: []string{"which channels are active?", "channels"},
		}, plan: channelList.plan},
		{Spec: Spec{
			Name: "notices", Summary: "List Neo's notices: what needs attention.", Ops: []string{"list_inbox_messages"},
			Examples: []string{"any notices from Neo?", "inbox", "what needs attention"},
		}, plan: noticeList.plan},
		{Spec: Spec{Name: "api_keys", Summary: "Why keys are not managed from chat.", Examples: []string{"show the API key", "rotate the key", "create an api key"}}, plan: planKeys},
	}
}

var companyNames = nameList{op: "list_end_companies", noun: "company", name: []string{"psa_company_name"}, id: "psa_company_id"}

var companyList = listing{
	op: "list_end_companies", title: "Client companies", noun: "company",
	keep: func(_ *ask, in args, o object) bool { return likes(in["about"], o.text("psa_company_name")) },
	row: func(_ *ask, o object) cards.Item {
		return cards.Item{Title: o.text("psa_company_name"), Detail: accessWords(o)}
	},
}

func accessWords(o object) string {
	granted := func(field, label string) string {
		if o.is(field) {
			return label + " granted"
		}
		return label + " missing"
	}
	return parts(granted("azure_application_access_granted", "application access"), granted("azure_delegated_access_granted", "delegated access"))
}

func planCompany(ctx context.Context, s *Service, a *ask, _ args) (outcome, error) {
	found, err := s.named(ctx, a, companyNames, "company")
	if err != nil {
		return outcome{}, err
	}
	o, err := a.object(ctx, "get_end_company", path("psa_company_id", found.text("psa_company_id")))
	if err != nil {
		return outcome{}, err
	}
	card := cards.Card{Title: o.text("psa_company_name"), Summary: "Microsoft 365: " + accessWords(o) + "."}
	card.Fields = fields("PSA id", o.text("psa_company_id"), "M365 tenant", o.text("tenant_id"))
	if text := o.text("custom_instructions"); text != "" {
		card.Body = append(card.Body, cards.Block{Heading: "Instructions for agents", Text: clip(text, 1000)})
	}
	if text := o.text("custom_instructions_for_user_facing_chat"); text != "" {
		card.Body = append(card.Body, cards.Block{Heading: "Instructions for the customer chat", Text: clip(text, 1000)})
	}
	return outcome{card: card}, nil
}

var integrationNames = nameList{op: "list_integrations", noun: "integration", name: []string{"display_name", "name"}, id: "name"}

var integrationList = listing{
	op: "list_integrations", title: "Integrations", noun: "integration",
	row: func(a *ask, o object) cards.Item {
		item := cards.Item{Title: o.text("display_name", "name"), Status: cards.StatusOn}
		state := "connected"
		switch {
		case o.text("error") != "" || o.text("status") == "error":
			state, item.Status = "has an error", cards.StatusFailed
		case !o.is("connected"):
			state, item.Status = "not connected", cards.StatusOff
		}
		item.Detail = parts(o.text("category"), state, labeled("last sync", a.when(o.at("last_sync_at"))), oneLine(o.text("error"), 120))
		return item
	},
}

func planSyncRuns(ctx context.Context, s *Service, a *ask, _ args) (outcome, error) {
	found, err := s.named(ctx, a, integrationNames, "integration")
	if err != nil {
		return outcome{}, err
	}
	runs, _, err := a.objects(ctx, "list_integration_sync_runs", path("name", found.text("name")), 40)
	if err != nil {
		return outcome{}, err
	}
	card := cards.Card{Title: "Syncs of " + found.text("display_name", "name"), Summary: plural(len(runs), "sync run") + " in the last 30 days."}
	items := make([]cards.Item, len(runs))
	for i, r := range runs {
		items[i] = syncItem(a, r)
	}
	a.page(&card, items, nil)
	return outcome{card: card}, nil
}

func syncItem(a *ask, r object) cards.Item {
	item := cards.Item{Title: orNone(a.when(r.at("started_at")), "Sync"), Status: cards.StatusDone}
	synced, failed := 0, []string{}
	for _, act := range r.list("activities") {
		synced += int(act.number("synced_count"))
		for _, f := range act.list("failures") {
			failed = append(failed, oneLine(parts(f.text("resource_label"), f.text("error_message", "reason")), 100))
		}
	}
	item.Detail = parts(plural(synced, "item"), plural(len(failed), "failure"), oneLine(r.text("dashboard_message"), 120))
	if r.text("error") != "" || len(failed) > 0 {
		item.Status = cards.StatusFailed
		item.Detail += prefixed(" · ", orNone(oneLine(r.text("error"), 160), strings.Join(failed[:min(len(failed), 2)], " · ")))
	}
	return item
}

var skillList = listing{
	op: "list_skills", title: "Skills", noun: "skill",
	row: func(a *ask, o object) cards.Item {
		return cards.Item{Title: o.text("name", "slug"), Detail: parts(oneLine(o.text("description"), 140), labeled("changed", a.when(o.at("updated_at"))))}
	},
}

var skillNames = nameList{op: "list_skills", noun: "skill", name: []string{"name", "slug"}, id: "id"}

func planSkill(ctx context.Context, s *Service, a *ask, _ args) (outcome, error) {
	found, err := s.named(ctx, a, skillNames, "skill")
	if err != nil {
		return outcome{}, err
	}
	o, err := a.object(ctx, "get_skill", path("skill_id", found.text("id")))
	if err != nil {
		return outcome{}, err
	}
	card := cards.Card{Title: o.text("name", "slug"), Summary: o.text("description"), Fields: fields("Changed", a.when(o.at("updated_at")))}
	for _, f := range o.list("files")[:min(len(o.list("files")), 4)] {
		card.Body = append(card.Body, cards.Block{Heading: f.text("path"), Code: clip(f.text("content"), 1500)})
	}
	return outcome{card: card}, nil
}

var intakeList = listing{
	op: "list_intents", title: "Intake forms", noun: "intake form",
	row: func(_ *ask, o object) cards.Item {
		item := cards.Item{Title: o.text("name"), Status: cards.StatusOn, Detail: parts("on", oneLine(o.text("description"), 140))}
		if !o.is("enabled") {
			item.Status, item.Detail = cards.StatusOff, parts("off", oneLine(o.text("description"), 140))
		}
		return item
	},
}

var channelList = listing{
	op: "list_channels", title: "Channels", noun: "channel",
	row: func(_ *ask, o object) cards.Item {
		item := cards.Item{Title: o.text("display_name", "internal_name"), Status: cards.StatusOn}
		if o.text("status") != "ACTIVE" {
			item.Status = cards.StatusOff
		}
		item.Detail = parts(strings.ToLower(o.text("status")), strings.ToLower(o.text("transport")), labeled("for", strings.ToLower(strings.ReplaceAll(o.text("audience"), "_", " "))))
		return item
	},
}

var noticeList = listing{
	op: "list_inbox_messages", title: "Notices from Neo", noun: "notice",
	row: func(a *ask, o object) cards.Item {
		item := cards.Item{Title: oneLine(o.text("message"), 150), Status: cards.StatusPending}
		if o.is("read") {
			item.Status = cards.StatusNone
		}
		item.Detail = parts(labeledAfter(o.text("number_of_occurrences"), "times"), labeled("last", a.when(o.at("updated_at", "created_at"))),
			labeled("tickets", strings.Join(o.texts("affected_entity_numbers"), ", ")))
		return item
	},
}

// planObject shows an object whose fields Neo does not document.
func planObject(op, title string) planFunc {
	return func(ctx context.Context, _ *Service, a *ask, _ args) (outcome, error) {
		resp, err := a.neo.Read(ctx, op, neoapi.Args{})
		if err != nil {
			return outcome{}, err
		}
		card := cards.Card{Title: title}
		a.present(&card, resp.Data)
		return outcome{card: card}, nil
	}
}

func planSettings(ctx context.Context, _ *Service, a *ask, _ args) (outcome, error) {
	set, err := a.neo.GetSettings(ctx)
	if err != nil {
		return outcome{}, err
	}
	o := newObject(set.Raw)
	return outcome{card: cards.Card{Title: "Settings of " + orNone(set.Name, "this tenant"), Fields: fields(
		"Time zone", set.Timezone,
		"Business hours", o.text("start_business_hours")+" to "+o.text("end_business_hours"),
		"Wait before events", labeledAfter(o.text("sleep_before_callback_processing_seconds"), "s"),
		"Referral code", o.text("referral_code"),
	)}}, nil
}

var settingFields = map[string]string{
	"timezone": "timezone", "start of business hours": "start_business_hours", "end of business hours": "end_business_hours",
}

func planChangeSetting(ctx context.Context, _ *Service, a *ask, in args) (outcome, error) {
	field, ok := settingFields[in["setting"]]
	if !ok {
		return outcome{}, no("I can change these here", "timezone, start of business hours, end of business hours. Everything else is in Neo's dashboard.")
	}
	var value any = in["value"]
	if field == "timezone" {
		if _, err := time.LoadLocation(in["value"]); err != nil || in["value"] == "Local" {
			return outcome{}, no("That is no time zone", "Write its name, such as Europe/Berlin or America/New_York.")
		}
	} else {
		hour := atoi(strings.TrimSuffix(strings.TrimSuffix(in["value"], ":00"), "h"))
		if hour < 0 || hour > 24 || in["value"] == "" || (hour == 0 && !strings.HasPrefix(in["value"], "0")) {
			return outcome{}, no("That is no hour", "Write a whole hour from 0 to 24.")
		}
		value = hour
	}
	set, err := a.neo.Fresh().GetSettings(ctx)
	if err != nil {
		return outcome{}, err
	}
	body := mustJSON(map[string]any{field: value})
	before, err := subset(set.Raw, body)
	if err != nil {
		return outcome{}, err
	}
	changes := diff(before, body)
	if len(changes) == 0 {
		return outcome{}, no("It is set like that already", "Nothing to do.")
	}
	return outcome{proposal: &proposal{
		title: "Change the " + in["setting"], target: "settings of " + orNone(set.Name, "the tenant"),
		change: neoapi.Change{Op: "update_settings", Body: body, Before: before}, changes: changes,
		warning: "It applies to every agent of the tenant.",
	}}, nil
}

// planKeys says why keys stay out of chat.
func planKeys(context.Context, *Service, *ask, args) (outcome, error) {
	return outcome{refusal: "keys", card: refusedCard("Keys are not managed from chat",
		"A key opens everything in Neo, and a chat keeps what is written in it. An admin makes, rotates and revokes keys in Neo's dashboard under Roles & Access.")}, nil
}
