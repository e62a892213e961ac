package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tandemkv/tandem/internal/notation"
)

// Section is a titled list of rows; tandem.conf shows the titles.
type Section struct {
	Title string
	Rows  []*Row
}

// Pair is a directive's name and its value as text.
type Pair struct{ Name, Value string }

// Set is the registry of one server's directives.
type Set struct {
	sections []Section
	byName   map[string]*Row // main names and aliases, lower case
	file     string          // absolute name of the config file, "" without one
	given    map[*Row]bool   // directives that the file or the command line named
}

// New joins sections into a registry. It stores nothing: the fields keep what
// they hold until Load or SetDefaults. Two rows of one name panic.
func New(sections ...Section) *Set {
	s := &Set{byName: map[string]*Row{}, given: map[*Row]bool{}}
	for _, section := range sections {
		for _, row := range section.Rows {
			for _, name := range row.names() {
				if s.byName[name] != nil {
					panic(fmt.Sprintf("config: two rows are named %q", name))
				}
				s.byName[name] = row
			}
		}
		s.sections = append(s.sections, section)
	}
	return s
}

// AddAccepted adds the rows whose names nobody has taken, as a last section. It
// returns the names of the others, so that a test can keep the list short.
func (s *Set) AddAccepted(title string, rows []*Row) (shadowed []string) {
	section := Section{Title: title}
	for _, row := range rows {
		taken := slices.ContainsFunc(row.names(), func(name string) bool { return s.byName[name] != nil })
		if taken {
			shadowed = append(shadowed, row.name)
			continue
		}
		for _, name := range row.names() {
			s.byName[name] = row
		}
		section.Rows = append(section.Rows, row)
	}
	s.sections = append(s.sections, section)
	return shadowed
}

// names returns the main name and then the aliases.
func (r *Row) names() []string { return append([]string{r.name}, r.aliases...) }

// Lookup finds a row by any of its names.
func (s *Set) Lookup(name string) (*Row, bool) {
	row, ok := s.byName[strings.ToLower(name)]
	return row, ok
}

// Rows returns all rows in the order of their sections.
func (s *Set) Rows() []*Row {
	var rows []*Row
	for _, section := range s.sections {
		rows = append(rows, section.Rows...)
	}
	return rows
}

// File returns the absolute name of the config file, or "".
func (s *Set) File() string { return s.file }

// Get answers CONFIG GET: every directive that matches one of the patterns,
// once, under the names that match. Patterns are globs without regard to case.
func (s *Set) Get(patterns ...string) []Pair {
	var found []Pair
	for _, row := range s.Rows() {
		if row.fileOnly {
			continue
		}
		for _, name := range row.names() {
			if slices.ContainsFunc(patterns, func(p string) bool { return row.matches(p, name) }) {
				found = append(found, Pair{Name: name, Value: row.Value()})
			}
		}
	}
	return found
}

func (r *Row) matches(pattern, name string) bool {
	if r.hidden && strings.ContainsAny(pattern, "*?[") {
		return false
	}
	return notation.Match([]byte(pattern), []byte(name), true)
}
