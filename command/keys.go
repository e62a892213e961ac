package command

import (
	"strconv"
	"strings"
)

// KeyFlag says what a command does with a key. Names as in COMMAND INFO's key specifications.
type KeyFlag uint16

// The key flags.
const (
	KeyRW KeyFlag = 1 << iota
	KeyRO
	KeyOW
	KeyRM
	KeyAccess
	KeyUpdate
	KeyInsert
	KeyDelete
	KeyNotKey
	KeyIncomplete
	KeyVariableFlags
)

var keyFlagNames = [...]string{"RW", "RO", "OW", "RM", "access", "update", "insert", "delete", "not_key", "incomplete", "variable_flags"}

// Names lists the flags that are set.
func (f KeyFlag) Names() []string {
	var names []string
	for i, name := range keyFlagNames {
		if f&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// KeySpec says where keys stand among the arguments: where to begin (an index, or behind a keyword) and how to go on
// (a range, or a number of keys that is an argument itself). As Redis 7's key specifications.
type KeySpec struct {
	Flags KeyFlag
	Notes string
	// Varying gives the flags of one line, where they depend on its options (KeyVariableFlags); else nil.
	Varying func(args [][]byte) KeyFlag

	Index   int    // first key, or the number of keys; used when Keyword is empty
	Keyword string // or: begin behind this word,
	From    int    // looked for from this argument (negative: from the end, backwards)

	Last, Step, Limit int // range: last key relative to the first (negative: from the end); step; limit as in Redis

	ByNumber bool // the number of keys is an argument:
	NumIndex int  // its place relative to the beginning
	First    int  // the first key relative to the beginning
}

// Key positions of the common shapes.

// One is a single key at an index.
func One(index int, flags KeyFlag) []KeySpec {
	return []KeySpec{{Index: index, Step: 1, Flags: flags}}
}

// All is all arguments from an index to the last one, each step-th of them a key.
func All(index, step int, flags KeyFlag) []KeySpec {
	return []KeySpec{{Index: index, Last: -1, Step: step, Flags: flags}}
}

// noted adds Redis' remark on a key specification.
func noted(notes string, keys []KeySpec) []KeySpec {
	keys[0].Notes = notes
	return keys
}

// Numbered is "numkeys key [key ...]" with numkeys at an index.
func Numbered(index int, flags KeyFlag) KeySpec {
	return KeySpec{Index: index, ByNumber: true, First: 1, Step: 1, Flags: flags}
}

// positions appends the indices of the keys that the spec finds; ok is false when the arguments make no sense.
func (k *KeySpec) positions(args [][]byte, out []int) (_ []int, ok bool) {
	begin := k.Index
	if k.Keyword != "" {
		if begin = k.behindKeyword(args); begin == 0 {
			return out, true
		}
	}
	if begin >= len(args) {
		return out, false
	}
	if k.ByNumber {
		return k.counted(args, begin, out)
	}
	last := begin + k.Last
	if k.Last < 0 {
		last = len(args) + k.Last
		if k.Limit > 1 {
			last = begin + (len(args)-begin)/k.Limit + k.Last
		}
	}
	for i := begin; i <= last; i += k.Step {
		if i >= len(args) {
			return out, false
		}
		out = append(out, i)
	}
	return out, true
}

func (k *KeySpec) counted(args [][]byte, begin int, out []int) (_ []int, ok bool) {
	if begin+k.NumIndex >= len(args) {
		return out, false
	}
	n, err := strconv.Atoi(string(args[begin+k.NumIndex]))
	first := begin + k.First
	if err != nil || n < 0 || n > len(args) || first+(n-1)*k.Step >= len(args) {
		return out, false
	}
	for i := range n {
		out = append(out, first+i*k.Step)
	}
	return out, true
}

func (k *KeySpec) behindKeyword(args [][]byte) int {
	if k.From >= 0 {
		for i := k.From; i < len(args)-1; i++ {
			if strings.EqualFold(string(args[i]), k.Keyword) {
				return i + 1
			}
		}
		return 0
	}
	for i := len(args) + k.From; i > 0; i-- {
		if strings.EqualFold(string(args[i]), k.Keyword) && i+1 < len(args) {
			return i + 1
		}
	}
	return 0
}
