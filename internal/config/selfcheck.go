package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// SelfCheck walks all rows and returns what is wrong with any of them: a row
// without a doc, a default that its own check refuses, a value that does not read
// back from CONFIG GET or from the lines of CONFIG REWRITE, nonsense that is
// taken. Tests of packages with rows call it; it changes no field.
func (s *Set) SelfCheck() error {
	var all []error
	for _, row := range s.Rows() {
		if err := row.selfCheck(); err != nil {
			all = append(all, fmt.Errorf("directive %s: %w", row.name, err))
		}
	}
	return errors.Join(all...)
}

func (r *Row) selfCheck() error {
	switch {
	case r.doc == "" && r.explain == "":
		return errors.New("has no doc")
	case r.name != strings.ToLower(r.name) || strings.ContainsAny(r.name, " \t"):
		return errors.New("its name is not a lower-case word")
	case r.fileOnly && len(r.lines(r.zero)) == 0:
		return nil // nothing to read back
	}
	if err := r.readsBack(r.zero); err != nil {
		return err
	}
	if r.strict {
		if _, err := r.read(r.zero, []string{"?nonsense!"}, fromChange); err == nil {
			return errors.New("accepts nonsense")
		}
	}
	return nil
}

// readsBack checks that a value passes the checks and survives both text forms.
func (r *Row) readsBack(value any) error {
	shown := r.format(value)
	args := []string{shown}
	if r.manyArgs && shown != "" {
		args = strings.Fields(shown)
	}
	again, err := r.read(r.zero, args, fromChange)
	if err != nil {
		return fmt.Errorf("its own value %q is refused: %w", shown, err)
	}
	if r.format(again) != shown {
		return fmt.Errorf("value %q reads back as %q", shown, r.format(again))
	}
	written := r.asText(r.lines(value))
	if got := r.textLinesOf(written, indices(written)); !slices.Equal(got, written) {
		return fmt.Errorf("lines %q read back as %q", written, got)
	}
	return nil
}

func indices(lines []string) []int {
	all := make([]int, len(lines))
	for i := range all {
		all[i] = i
	}
	return all
}
