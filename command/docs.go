package command

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tandemkv/tandem/internal/notation"
	"github.com/tandemkv/tandem/internal/resp"
)

// What COMMAND answers, derived from the rows. The server's COMMAND handler calls these; args are what stands behind
// the subcommand.

// AppendCount answers COMMAND COUNT.
func (t *Table) AppendCount(w *resp.Writer) { w.Int(int64(len(t.top))) }

// AppendInfo answers COMMAND INFO [name ...] and COMMAND itself: without names, all commands.
func (t *Table) AppendInfo(w *resp.Writer, names [][]byte) {
	if len(names) == 0 {
		w.Array(len(t.top))
		for _, s := range t.top {
			s.AppendInfo(w)
		}
		return
	}
	w.Array(len(names))
	for _, name := range names {
		if s := t.ByWord(name); s != nil {
			s.AppendInfo(w)
			continue
		}
		w.Null()
	}
}

// AppendDocs answers COMMAND DOCS [name ...]; unknown names are left out.
func (t *Table) AppendDocs(w *resp.Writer, names [][]byte) {
	found := t.top
	if len(names) > 0 {
		found = nil
		for _, name := range names {
			if s := t.ByWord(name); s != nil {
				found = append(found, s)
			}
		}
	}
	w.Map(len(found))
	for _, s := range found {
		s.AppendDocs(w)
	}
}

// AppendList answers COMMAND LIST [FILTERBY MODULE|ACLCAT|PATTERN text].
func (t *Table) AppendList(w *resp.Writer, args [][]byte) error {
	keep := func(*Spec) bool { return true }
	if len(args) > 0 {
		var err error
		if keep, err = listFilter(args); err != nil {
			return err
		}
	}
	var names []string
	for _, s := range t.all {
		if keep(s) {
			names = append(names, s.FullName)
		}
	}
	if len(args) == 0 {
		w.Set(len(names))
	} else {
		w.Array(len(names))
	}
	for _, name := range names {
		w.BulkString(name)
	}
	return nil
}

func listFilter(args [][]byte) (func(*Spec) bool, error) {
	if len(args) != 3 || !strings.EqualFold(string(args[0]), "filterby") {
		return nil, ErrSyntax
	}
	word := args[2]
	switch strings.ToLower(string(args[1])) {
	case "module":
		return func(*Spec) bool { return false }, nil
	case "aclcat":
		at := slices.Index(categoryNames[:], strings.ToLower(string(word)))
		return func(s *Spec) bool { return at >= 0 && s.AllCategories()&(1<<at) != 0 }, nil
	case "pattern":
		return func(s *Spec) bool { return notation.Match(word, []byte(s.FullName), true) }, nil
	}
	return nil, ErrSyntax
}

// AppendKeys answers COMMAND GETKEYS, and COMMAND GETKEYSANDFLAGS when withFlags. args is the line asked about.
func (t *Table) AppendKeys(w *resp.Writer, args [][]byte, withFlags bool) error {
	s := t.Lookup(args)
	switch {
	case s == nil:
		return ErrDocsCommand
	case len(s.Keys) == 0:
		return ErrDocsNoKeys
	case !s.ArityOK(len(args)):
		return ErrDocsArity
	}
	at, flags, ok := s.keysWithFlags(args)
	if !ok || len(at) == 0 {
		if s.Flags&NoMandatoryKeys == 0 {
			return ErrDocsArguments
		}
		at = nil
	}
	w.Array(len(at))
	for i, position := range at {
		if withFlags {
			w.Array(2)
		}
		w.Bulk(args[position])
		if withFlags {
			appendWords(w, "", flags[i].Names())
		}
	}
	return nil
}

// keysWithFlags finds the keys of a line and says what the command does with each.
func (s *Spec) keysWithFlags(args [][]byte) (at []int, flags []KeyFlag, ok bool) {
	for i := range s.Keys {
		k := &s.Keys[i]
		if at, ok = k.positions(args, at); !ok || k.ByNumber && len(at) == len(flags) {
			return nil, nil, false
		}
		what := k.Flags &^ (KeyIncomplete | KeyVariableFlags)
		if k.Varying != nil {
			what = k.Varying(args)
		}
		for len(flags) < len(at) {
			flags = append(flags, what)
		}
	}
	return at, flags, true
}

// ByWord finds "get" or "config|get", whatever its case.
func (t *Table) ByWord(word []byte) *Spec { return t.byName[strings.ToLower(string(word))] }

// AppendInfo writes the element of one command as COMMAND INFO has it.
func (s *Spec) AppendInfo(w *resp.Writer) {
	w.Array(10)
	w.BulkString(s.FullName)
	w.Int(int64(s.Arity))
	flags := s.Flags.Names()
	if s.MovableKeys() {
		flags = append(flags, "movablekeys")
	}
	appendWords(w, "", flags)
	first, last, step := s.LegacyRange()
	w.Int(int64(first))
	w.Int(int64(last))
	w.Int(int64(step))
	appendWords(w, "@", s.AllCategories().Names())
	w.Set(len(s.Tips))
	for _, tip := range s.Tips {
		w.BulkString(tip)
	}
	w.Set(len(s.Keys))
	for i := range s.Keys {
		s.Keys[i].appendInfo(w)
	}
	if len(s.Subs) == 0 {
		w.Set(0)
		return
	}
	w.Array(len(s.Subs))
	for i := range s.Subs {
		s.Subs[i].AppendInfo(w)
	}
}

// AppendDocs writes the name of one command and its map as COMMAND DOCS has it.
func (s *Spec) AppendDocs(w *resp.Writer) {
	w.BulkString(s.FullName)
	n := 3
	if len(s.Subs) > 0 {
		n++
	}
	w.Map(n)
	for _, pair := range [][2]string{{"summary", s.Summary}, {"since", s.Since}, {"group", s.Group}} {
		w.BulkString(pair[0])
		w.BulkString(pair[1])
	}
	if len(s.Subs) > 0 {
		w.BulkString("subcommands")
		w.Map(len(s.Subs))
		for i := range s.Subs {
			s.Subs[i].AppendDocs(w)
		}
	}
}

func (k *KeySpec) appendInfo(w *resp.Writer) {
	if k.Notes == "" {
		w.Map(3)
	} else {
		w.Map(4)
		w.BulkString("notes")
		w.BulkString(k.Notes)
	}
	w.BulkString("flags")
	appendWords(w, "", k.Flags.Names())
	w.BulkString("begin_search")
	if k.Keyword != "" {
		appendSearch(w, "keyword", "keyword", k.Keyword, "startfrom", k.From)
	} else {
		appendSearch(w, "index", "index", k.Index)
	}
	w.BulkString("find_keys")
	if k.ByNumber {
		appendSearch(w, "keynum", "keynumidx", k.NumIndex, "firstkey", k.First, "keystep", k.Step)
	} else {
		appendSearch(w, "range", "lastkey", k.Last, "keystep", k.Step, "limit", k.Limit)
	}
}

// appendSearch writes a map of the type and a map of its names and values.
func appendSearch(w *resp.Writer, kind string, pairs ...any) {
	w.Map(2)
	w.BulkString("type")
	w.BulkString(kind)
	w.BulkString("spec")
	w.Map(len(pairs) / 2)
	for _, v := range pairs {
		switch v := v.(type) {
		case string:
			w.BulkString(v)
		case int:
			w.Int(int64(v))
		default:
			panic(fmt.Sprintf("key specification with a %T", v))
		}
	}
}

func appendWords(w *resp.Writer, prefix string, words []string) {
	w.Set(len(words))
	for _, word := range words {
		w.Status(prefix + word)
	}
}
