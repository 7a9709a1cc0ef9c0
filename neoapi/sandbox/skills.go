package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"
)

// Skill is a repeatable job, written as files.
type Skill struct {
	ID          string       `json:"id"`
	Name        string       `json:"name"`
	Slug        string       `json:"slug"`
	Description *string      `json:"description"`
	SourceRunID *string      `json:"source_run_id"`
	ContentHash string       `json:"content_hash"` // what base_hash is compared with
	UpdatedAt   time.Time    `json:"updated_at"`
	Files       []*SkillFile `json:"files"`
}

// SkillFile is the newest version of one file.
type SkillFile struct {
	ID      string `json:"id"`
	Path    string `json:"path"`
	Content string `json:"content"`
	Version int    `json:"version"`
}

func skillOps() map[string]handler {
	return map[string]handler{
		"list_skills":  func(c *call) (reply, error) { return list(c, c.state.Skills, nil) },
		"create_skill": createSkill, "edit_skill_files": editSkill,
		"get_skill": func(c *call) (reply, error) {
			s, err := lookup(c, c.state.Skills, "skill_id", "Skill")
			return reply{data: s}, err
		},
	}
}

// hash stamps the skill with the hash of its files.
func (s *Skill) hash() {
	h := sha256.New()
	for _, f := range s.Files {
		h.Write([]byte(f.Path + "\x00" + f.Content + "\x00"))
	}
	s.ContentHash = "sha256:" + hex.EncodeToString(h.Sum(nil))
}

func createSkill(c *call) (reply, error) {
	s := &Skill{}
	if err := c.bind(s); err != nil {
		return reply{}, err
	}
	if len(s.Files) == 0 || s.Name == "" || s.Slug == "" {
		return reply{}, unprocessable("files", "name and slug must not be empty")
	}
	for other := range c.state.Skills.All() {
		if other.Slug == s.Slug {
			return reply{}, conflict("skill_slug_taken", "A skill with this slug exists")
		}
	}
	s.ID, s.UpdatedAt = "skill_"+c.state.numeral(), c.now
	for _, f := range s.Files {
		f.ID, f.Version = "file_"+c.state.numeral(), 1
	}
	s.hash()
	c.state.Skills.Add(s)
	return reply{data: s}, nil
}

// skillEdit is one search-and-replace.
type skillEdit struct {
	FileID     string `json:"file_id"`
	OldString  string `json:"old_string"`
	NewString  string `json:"new_string"`
	ReplaceAll bool   `json:"replace_all"`
}

// editSkill applies all edits or none.
func editSkill(c *call) (reply, error) {
	s, err := lookup(c, c.state.Skills, "skill_id", "Skill")
	if err != nil {
		return reply{}, err
	}
	var in struct {
		BaseHash *string `json:"base_hash"`
		Edits    []skillEdit
	}
	if err := c.bind(&in); err != nil {
		return reply{}, err
	}
	if in.BaseHash != nil && *in.BaseHash != s.ContentHash {
		return reply{}, conflict("skill_changed", "The skill changed since base_hash")
	}
	contents := map[string]string{}
	for _, f := range s.Files {
		contents[f.ID] = f.Content
	}
	for _, e := range in.Edits {
		old, ok := contents[e.FileID]
		count := strings.Count(old, e.OldString)
		switch {
		case !ok:
			return reply{}, invalid(http.StatusUnprocessableEntity, fieldError{"edits", "unknown file_id"})
		case e.OldString == "" || count == 0:
			return reply{}, unprocessable("edits", "old_string not found")
		case count > 1 && !e.ReplaceAll:
			return reply{}, unprocessable("edits", "old_string is not unique: use replace_all")
		}
		contents[e.FileID] = strings.ReplaceAll(old, e.OldString, e.NewString)
	}
	for _, f := range s.Files {
		if f.Content != contents[f.ID] {
			f.Content, f.Version = contents[f.ID], f.Version+1
		}
	}
	s.UpdatedAt = c.now
	s.hash()
	return reply{data: s}, nil
}
