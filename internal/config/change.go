package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ChangeError is a refused CONFIG SET. Its text is the reply, as Redis words it.
type ChangeError struct {
	Name   string // the pair that was refused
	Reason string // "" if the directive is unknown
}

// Error returns the error reply without the leading dash.
func (e *ChangeError) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("ERR Unknown option or number of arguments for CONFIG SET - '%s'", e.Name)
	}
	return fmt.Sprintf("ERR CONFIG SET failed (possibly related to argument '%s') - %s", e.Name, e.Reason)
}

// change is one directive of a Change under way.
type change struct {
	name     string
	text     string
	row      *Row
	old, new any
}

// Change answers CONFIG SET: all pairs or none. allowProtected is what
// enable-protected-configs grants to this client. The error is a *ChangeError.
func (s *Set) Change(pairs []Pair, allowProtected bool) error {
	changes, err := s.admit(pairs, allowProtected)
	if err != nil {
		return err
	}
	for i := range changes {
		c := &changes[i]
		args := []string{c.text}
		if c.row.manyArgs && strings.TrimSpace(c.text) != "" {
			args = strings.Fields(c.text)
		}
		c.old = c.row.load()
		if c.new, err = c.row.read(c.old, args, fromChange); err != nil {
			return &ChangeError{Name: c.name, Reason: err.Error()}
		}
	}
	for _, c := range changes {
		c.row.store(c.new)
	}
	return applyAll(changes)
}

// admit finds the rows and refuses what may not be changed. An unknown name goes
// before all other complaints, as in Redis.
func (s *Set) admit(pairs []Pair, allowProtected bool) ([]change, error) {
	changes := make([]change, 0, len(pairs))
	for _, pair := range pairs {
		row, ok := s.Lookup(pair.Name)
		if !ok || row.fileOnly {
			return nil, &ChangeError{Name: pair.Name}
		}
		changes = append(changes, change{name: pair.Name, text: pair.Value, row: row})
	}
	for i, c := range changes {
		reason := ""
		switch {
		case !c.row.changeable:
			reason = "can't set immutable config"
		case c.row.protected && !allowProtected:
			reason = "can't set protected config"
		case slices.ContainsFunc(changes[:i], func(earlier change) bool { return earlier.row == c.row }):
			reason = "duplicate parameter"
		}
		if reason != "" {
			return nil, &ChangeError{Name: c.name, Reason: reason}
		}
	}
	return changes, nil
}

// applyAll runs the apply functions. If one fails all fields get their old values
// back, and the functions that had run, and the failed one, run again with them.
func applyAll(changes []change) error {
	for i, c := range changes {
		if c.row.apply == nil {
			continue
		}
		err := c.row.apply()
		if err == nil {
			continue
		}
		for _, undone := range changes {
			undone.row.store(undone.old)
		}
		for _, undone := range changes[:i+1] {
			if undone.row.apply != nil {
				err = errors.Join(err, undone.row.apply())
			}
		}
		return &ChangeError{Name: c.name, Reason: oneLine(err)}
	}
	return nil
}

// oneLine keeps an error reply a single line of the protocol.
func oneLine(err error) string {
	return strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}
