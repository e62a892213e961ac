package config

import (
	"fmt"
	"strings"
)

// renderWidth is the width that tandem.conf's comments are wrapped to.
const renderWidth = 78

// Render returns the text of tandem.conf: the header, then every directive with
// its doc and its default. Loading that text changes nothing. Directives that are
// accepted only, and those whose default has no line, stand as comments.
func (s *Set) Render(header string) string {
	var b strings.Builder
	writeComment(&b, header)
	for _, section := range s.sections {
		if len(section.Rows) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n", section.Title)
		explained := ""
		for _, row := range section.Rows {
			if row.explain == "" || row.explain != explained {
				b.WriteByte('\n')
				row.renderDoc(&b)
			}
			explained = row.explain
			row.renderLines(&b)
		}
	}
	return b.String()
}

// renderDoc writes the comment above a row; accepted rows of one explanation share
// theirs.
func (r *Row) renderDoc(b *strings.Builder) {
	if r.explain != "" {
		writeComment(b, strings.ToUpper(r.explain[:1])+r.explain[1:]+":")
		return
	}
	facts := []string{r.kind}
	if r.changeable {
		facts = append(facts, "CONFIG SET")
	}
	if len(r.aliases) > 0 {
		facts = append(facts, "also "+strings.Join(r.aliases, ", "))
	}
	writeComment(b, r.doc+"\n("+strings.Join(facts, "; ")+")")
}

func (r *Row) renderLines(b *strings.Builder) {
	lines := r.asText(r.lines(r.zero))
	prefix := ""
	if r.explain != "" || len(lines) == 0 || isUnset(r.lines(r.zero)) {
		prefix = "# "
	}
	if len(lines) == 0 {
		lines = []string{r.name + " ..."}
	}
	for _, line := range lines {
		fmt.Fprintf(b, "%s%s\n", prefix, line)
	}
}

// isUnset tells whether a default is the empty text, which says little as a line.
func isUnset(lines [][]string) bool {
	return len(lines) == 1 && len(lines[0]) == 1 && lines[0][0] == ""
}

// writeComment wraps a text as comment lines; line breaks in it are kept.
func writeComment(b *strings.Builder, text string) {
	for _, paragraph := range strings.Split(text, "\n") {
		line := "#"
		for _, word := range strings.Fields(paragraph) {
			if len(line)+1+len(word) > renderWidth && line != "#" {
				b.WriteString(line + "\n")
				line = "#"
			}
			line += " " + word
		}
		b.WriteString(line + "\n")
	}
}
