package slackfake

import (
	"encoding/json"
	"strings"
)

// Text is everything a person reads in a message's blocks or a view, one line
// per piece, buttons and pictures in brackets.
func Text(doc json.RawMessage) string {
	var v any
	if json.Unmarshal(doc, &v) != nil {
		return ""
	}
	var lines []string
	read(v, &lines)
	return strings.Join(lines, "\n")
}

func read(v any, lines *[]string) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			read(e, lines)
		}
	case map[string]any:
		if v["type"] == "button" {
			if t, ok := v["text"].(map[string]any); ok {
				*lines = append(*lines, "["+str(t["text"])+"]")
			}
			return
		}
		if v["type"] == "image" {
			*lines = append(*lines, "[picture: "+str(v["alt_text"])+"]")
			return
		}
		if t := str(v["text"]); t != "" {
			*lines = append(*lines, t)
		} else if v["type"] == "link" {
			*lines = append(*lines, str(v["url"]))
		}
		// In the order of the screen.
		for _, k := range []string{"title", "label", "text", "fields", "elements", "element", "accessory", "rows", "blocks", "hint", "placeholder", "options", "submit"} {
			if _, isText := v[k].(string); !isText {
				read(v[k], lines)
			}
		}
	}
}

func str(v any) string {
	s, _ := v.(string)
	return s
}
