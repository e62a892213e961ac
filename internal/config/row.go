package config

import (
	"errors"
	"strings"
)

// origin says where a value comes from, because kinds that accumulate (save,
// user) treat the first line of a start differently from those that follow.
type origin int

const (
	fromChange    origin = iota // CONFIG SET: the value replaces the old one
	fromFirstLine               // first line of a start: the value replaces the default
	fromLaterLine               // a later line: accumulating kinds add to what is there
)

// Row is one directive. It is made by the constructor of its kind (Bool, Int,
// Memory, ...) and refined by the methods below, which return the row itself.
type Row struct {
	name    string
	aliases []string
	kind    string
	doc     string
	explain string

	changeable bool
	protected  bool
	sensitive  bool
	hidden     bool
	fileOnly   bool
	manyArgs   bool
	strict     bool // the kind refuses most texts
	bare       string
	hasBare    bool

	apply  func() error
	checks []func(text string) error

	// The typed part, closed over the field by newRow.
	parse  func(old any, args []string, from origin) (any, error)
	format func(value any) string
	lines  func(value any) [][]string
	load   func() any
	store  func(value any)
	zero   any // the default

	live      func() string
	liveLines func() [][]string
}

// codec is what a kind knows about values of its type.
type codec[T any] struct {
	kind     string
	manyArgs bool
	strict   bool
	parse    func(old T, args []string, from origin) (T, error)
	format   func(T) string
	lines    func(T) [][]string // nil: one line with the formatted value
}

// newRow closes a codec over a field. Without a field the row keeps its value
// itself: that is how directives without a meaning here still answer CONFIG GET.
func newRow[T any](name string, field *T, def T, c codec[T]) *Row {
	if field == nil {
		field = new(T)
		*field = def
	}
	lines := c.lines
	if lines == nil {
		lines = func(v T) [][]string { return [][]string{{c.format(v)}} }
	}
	return &Row{
		name:     name,
		kind:     c.kind,
		manyArgs: c.manyArgs,
		strict:   c.strict,
		zero:     def,
		parse: func(old any, args []string, from origin) (any, error) {
			return c.parse(old.(T), args, from)
		},
		format: func(v any) string { return c.format(v.(T)) },
		lines:  func(v any) [][]string { return lines(v.(T)) },
		load:   func() any { return *field },
		store:  func(v any) { *field = v.(T) },
	}
}

// Doc sets the text shown in tandem.conf.
func (r *Row) Doc(text string) *Row { r.doc = text; return r }

// Alias gives the directive further names; all of them work everywhere.
func (r *Row) Alias(names ...string) *Row { r.aliases = append(r.aliases, names...); return r }

// Changeable lets CONFIG SET change the directive. The apply functions run in
// order after all fields of that CONFIG SET hold their new values; an error
// takes everything back, and they run again with the old values.
func (r *Row) Changeable(apply ...func() error) *Row {
	r.changeable = true
	if len(apply) == 0 {
		return r
	}
	r.apply = func() error {
		for _, f := range apply {
			if err := f(); err != nil {
				return err
			}
		}
		return nil
	}
	return r
}

// Protected refuses CONFIG SET unless enable-protected-configs allows it.
func (r *Row) Protected() *Row { r.protected = true; return r }

// Sensitive keeps the value out of error texts.
func (r *Row) Sensitive() *Row { r.sensitive = true; return r }

// Hidden shows the directive to CONFIG GET only when it is named in full.
func (r *Row) Hidden() *Row { r.hidden = true; return r }

// FileOnly takes the directive out of CONFIG GET and CONFIG SET: it exists in
// the file and on the command line only (user, include).
func (r *Row) FileOnly() *Row { r.fileOnly = true; return r }

// Bare is the value meant when the option stands alone on the command line, as
// in --witness.
func (r *Row) Bare(value string) *Row { r.bare, r.hasBare = value, true; return r }

// ManyArgs lets a Custom row take more than one argument; its text form holds
// them between spaces.
func (r *Row) ManyArgs() *Row {
	r.manyArgs = true
	r.lines = func(value any) [][]string { return [][]string{wordsOrEmpty(r.format(value))} }
	return r
}

// wordsOrEmpty splits a text form into arguments; none are written as "".
func wordsOrEmpty(text string) []string {
	if words := strings.Fields(text); len(words) > 0 {
		return words
	}
	return []string{""}
}

// Check adds a condition on the value, given as CONFIG GET shows it. The text of
// the error is shown to the user.
func (r *Row) Check(check func(text string) error) *Row {
	r.checks = append(r.checks, check)
	return r
}

// Live replaces the field as the source of CONFIG GET and CONFIG REWRITE, for
// what can change by other commands (replicaof).
func (r *Row) Live(get func() string) *Row { r.live = get; return r }

// Lines replaces the lines that CONFIG REWRITE writes, each a list of arguments,
// for directives whose truth is elsewhere (user).
func (r *Row) Lines(lines func() [][]string) *Row { r.liveLines = lines; return r }

// Accepted marks a directive of Redis that has no effect here, and says why.
func (r *Row) Accepted(explain string) *Row { r.explain = explain; return r }

// OnlyDefault refuses every value but the default, with a reason.
func (r *Row) OnlyDefault(reason string) *Row {
	want := r.format(r.zero)
	return r.Check(func(text string) error {
		if text != want {
			return errors.New(reason)
		}
		return nil
	})
}

// Name returns the directive's main name.
func (r *Row) Name() string { return r.name }

// Aliases returns its other names.
func (r *Row) Aliases() []string { return r.aliases }

// Explanation returns why the directive has no effect, or "".
func (r *Row) Explanation() string { return r.explain }

// Documentation returns the text given to Doc.
func (r *Row) Documentation() string { return r.doc }

// Default returns the default as CONFIG GET shows it.
func (r *Row) Default() string { return r.format(r.zero) }

// Value returns the present value as CONFIG GET shows it.
func (r *Row) Value() string {
	if r.live != nil {
		return r.live()
	}
	return r.format(r.load())
}

// read parses arguments and runs the checks, without storing anything.
func (r *Row) read(old any, args []string, from origin) (any, error) {
	if r.manyArgs && len(args) == 1 && strings.ContainsAny(args[0], " \t") {
		// As in Redis, one quoted argument may hold all of them: save "900 1".
		args = strings.Fields(args[0])
	}
	if len(args) == 0 || len(args) > 1 && !r.manyArgs {
		return nil, errors.New("wrong number of arguments")
	}
	value, err := r.parse(old, args, from)
	if err != nil {
		return nil, err
	}
	text := r.format(value)
	for _, check := range r.checks {
		if err := check(text); err != nil {
			return nil, err
		}
	}
	return value, nil
}

// linesNow returns the arguments of the lines that say the present value.
func (r *Row) linesNow() [][]string {
	if r.liveLines != nil {
		return r.liveLines()
	}
	if r.live == nil {
		return r.lines(r.load())
	}
	text := r.live()
	if r.manyArgs {
		return [][]string{wordsOrEmpty(text)}
	}
	return [][]string{{text}}
}
