package command

// Handler acts on a Call: parse, act, reply. An error is written by the engine in place of a reply; a handler that
// returns one has changed nothing.
type Handler func(*Call) error

// Spec is a command: one row.
type Spec struct {
	Name       string // lower case; of a subcommand, without the container
	Arity      int    // arguments with the name; negative: at least that many
	Flags      Flag
	Keys       []KeySpec
	Categories Category // besides those that follow from the flags
	Tips       []string
	Group      string // of COMMAND DOCS: string, list, generic, ...
	Since      string // the Redis version that brought it
	Summary    string
	Handler    Handler // nil: run by the server's session, or a container
	Subs       []Spec

	// Set by NewTable.
	ID       int    // dense from 0 over the whole table, subcommands included
	FullName string // "config|get"; of a command, its name
	Parent   *Spec
}

// AllCategories are the stated and the derived categories.
func (s *Spec) AllCategories() Category { return s.Categories | derivedCategories(s.Flags) }

// ArityOK tells whether a command line of n words (the name counts) is long enough and not too long.
func (s *Spec) ArityOK(n int) bool {
	if s.Arity >= 0 {
		return n == s.Arity
	}
	return n >= -s.Arity
}

// KeyPositions appends the indices of the keys in args. ok is false when the arguments make no sense.
func (s *Spec) KeyPositions(args [][]byte, out []int) (_ []int, ok bool) {
	for i := range s.Keys {
		if out, ok = s.Keys[i].positions(args, out); !ok {
			return out, false
		}
	}
	return out, true
}

// LegacyRange is the first key, last key and step of COMMAND's old form; zeros when the keys cannot be said that way.
// Specifications by index that follow each other are joined; others are left out, as Redis does.
func (s *Spec) LegacyRange() (first, last, step int) {
	previous := 0
	for i := range s.Keys {
		k := &s.Keys[i]
		if k.Keyword != "" || k.ByNumber {
			continue
		}
		end := k.Last
		if end >= 0 {
			end += k.Index
		}
		if first == 0 {
			first, last, step, previous = k.Index, end, k.Step, end
			continue
		}
		if k.Step != 1 || step != 1 || previous != k.Index-1 {
			return 0, 0, 0
		}
		if last >= 0 && (end < 0 || end > last) {
			last = end
		}
		previous = end
	}
	return first, last, step
}

// MovableKeys tells whether the old form cannot say all keys.
func (s *Spec) MovableKeys() bool {
	for i := range s.Keys {
		if s.Keys[i].Keyword != "" || s.Keys[i].ByNumber {
			return true
		}
	}
	return false
}
