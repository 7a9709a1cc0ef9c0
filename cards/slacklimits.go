package cards

import "regexp"

// slackFileID is what Slack takes as the id of a file: it answers any other with
// "input must match regex pattern", see https://github.com/slackapi/python-slack-sdk/issues/1521
var slackFileID = regexp.MustCompile(`^F[A-Z0-9]{8,}$`)

// Slack's limits. Characters are counted as UTF-16 units, which is never less
// than what Slack counts.
const (
	slackMaxBlocks     = 50  // https://docs.slack.dev/reference/block-kit/blocks
	slackMaxViewBlocks = 100 // https://docs.slack.dev/reference/views
	slackMaxText       = 3000
	slackMaxHeader     = 150  // https://docs.slack.dev/reference/block-kit/blocks/header-block
	slackMaxFields     = 10   // https://docs.slack.dev/reference/block-kit/blocks/section-block
	slackMaxFieldText  = 2000 // same page
	slackMaxActions    = 25   // https://docs.slack.dev/reference/block-kit/blocks/actions-block
	slackMaxContext    = 10   // https://docs.slack.dev/reference/block-kit/blocks/context-block
	slackMaxButtonText = 75   // https://docs.slack.dev/reference/block-kit/block-elements/button-element
	slackMaxValue      = 2000 // same page
	slackMaxURL        = 3000 // same page
	slackMaxActionID   = 255
	slackMaxBlockID    = 255
	slackMaxOptions    = 100 // https://docs.slack.dev/reference/block-kit/composition-objects/option-object
	slackMaxOption     = 75  // same page
	slackMaxOptValue   = 150 // same page
	slackMaxLabel      = 2000
	slackMaxInput      = 3000 // https://docs.slack.dev/reference/block-kit/block-elements/plain-text-input-element
	slackMaxViewTitle  = 24   // https://docs.slack.dev/reference/views
	slackMaxMetadata   = 3000 // same page
	slackMaxCallback   = 255  // same page
	slackMaxTableRows  = 100  // https://docs.slack.dev/reference/block-kit/blocks/table-block
	slackMaxTableCols  = 20   // same page
	slackMaxTables     = 1    // per message, same page

	slackMaxAltText = 2000 // https://docs.slack.dev/reference/block-kit/blocks/image-block
	slackAltText    = 1000 // our own, of the payload

	// slackMaxPayload is our budget for the JSON of all blocks. Slack answers
	// msg_blocks_too_long somewhere above 13,100 characters and documents no
	// number: https://github.com/slackapi/bolt-js/issues/2509
	slackMaxPayload = 12000
	// Shares of the payload for the parts that are never left out. Together
	// with a title of 150 characters, each at most six on the wire, they stay
	// below slackMaxPayload.
	slackShareSummary = 2500
	slackShareLinks   = 2000
	slackShareButtons = 4500
	slackShareFooter  = 1200

	// slackAdvisedText is the advised length of the top-level text:
	// https://docs.slack.dev/reference/methods/chat.postMessage
	slackAdvisedText = 4000
)
