package command

import "fmt"

// Table finds a Spec by its words. It is built once and never changes.
type Table struct {
	byName map[string]*Spec
	all    []*Spec // by ID
	top    []*Spec // commands without subcommands, in the rows' order
}

// nameBytesMax: no command name is longer; longer words are unknown at once.
const nameBytesMax = 32

// NewTable joins families. A name that stands twice is a broken build: it panics.
func NewTable(families ...[]Spec) *Table {
	t := &Table{byName: make(map[string]*Spec)}
	for _, family := range families {
		for i := range family {
			spec := family[i]
			t.add(&spec, nil)
			t.top = append(t.top, t.byName[spec.Name])
		}
	}
	return t
}

func (t *Table) add(s *Spec, parent *Spec) {
	s.Parent = parent
	s.FullName = s.Name
	if parent != nil {
		s.FullName = parent.Name + "|" + s.Name
	}
	if len(s.Name) > nameBytesMax {
		panic("command name too long: " + s.FullName)
	}
	if t.byName[s.FullName] != nil {
		panic("command stands twice: " + s.FullName)
	}
	s.ID = len(t.all)
	t.all = append(t.all, s)
	t.byName[s.FullName] = s
	subs := s.Subs
	s.Subs = make([]Spec, len(subs))
	copy(s.Subs, subs)
	for i := range s.Subs {
		t.add(&s.Subs[i], s)
	}
}

// Lookup finds the command of a line; for a container, its subcommand. nil: unknown. It allocates nothing.
func (t *Table) Lookup(args [][]byte) *Spec {
	spec := t.Find(args[0])
	if spec == nil || len(spec.Subs) == 0 || len(args) < 2 {
		return spec
	}
	if sub := spec.Sub(args[1]); sub != nil {
		return sub
	}
	return spec
}

// Find finds a command by one word, whatever its case.
func (t *Table) Find(word []byte) *Spec {
	var scratch [nameBytesMax]byte
	if len(word) > nameBytesMax {
		return nil
	}
	return t.byName[string(lowerInto(scratch[:], word))]
}

// ByFullName finds "get" or "config|get".
func (t *Table) ByFullName(name string) *Spec { return t.byName[name] }

// Sub finds a subcommand by its word, whatever its case.
func (s *Spec) Sub(word []byte) *Spec {
	var scratch [nameBytesMax]byte
	if len(word) > nameBytesMax {
		return nil
	}
	name := string(lowerInto(scratch[:], word))
	for i := range s.Subs {
		if s.Subs[i].Name == name {
			return &s.Subs[i]
		}
	}
	return nil
}

// Commands lists the commands without their subcommands; All lists every row by ID.
func (t *Table) Commands() []*Spec { return t.top }

// All lists every row, subcommands included, by ID.
func (t *Table) All() []*Spec { return t.all }

// Must is ByFullName for names that the program itself relies on.
func (t *Table) Must(name string) *Spec {
	if s := t.byName[name]; s != nil {
		return s
	}
	panic(fmt.Sprintf("no command %q in the table", name))
}

func lowerInto(scratch, word []byte) []byte {
	for i, c := range word {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		scratch[i] = c
	}
	return scratch[:len(word)]
}
