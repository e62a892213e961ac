package command

import (
	"fmt"
	"strconv"

	"github.com/tandemkv/tandem/internal/resp"
	"github.com/tandemkv/tandem/keyspace"
)

// Applier replays log bytes: at start-up, on a standby and in the simulator. What stands between MULTI and EXEC is held
// until EXEC, so that a log that ends in the middle leaves no half transaction.
type Applier struct {
	Engine *Engine
	Table  *Table
	// Other receives commands that have no handler of the data families (PUBLISH, ...). nil: they are skipped.
	Other func(spec *Spec, db int, args [][]byte)
	// Applied is called after each data command, while the keyspace's notes are valid. May be nil.
	Applied func()

	DB      int // what the stream has selected
	multi   bool
	queue   [][][]byte
	scratch resp.Writer
}

// InMulti tells whether the stream stands between MULTI and EXEC.
func (a *Applier) InMulti() bool { return a.multi }

// Reset forgets the stream's state: a new stream begins with db selected.
func (a *Applier) Reset(db int) {
	a.DB, a.multi, a.queue = db, false, nil
}

// Apply runs one command of the log. The error names a command that cannot be replayed: then this copy of the data is
// not the master's any longer, and the caller must stop or fetch a new copy.
func (a *Applier) Apply(args [][]byte, nowMs int64) error {
	if a.multi && !isWord(args[0], "exec") {
		a.queue = append(a.queue, cloneWords(args))
		return nil
	}
	spec := a.Table.Lookup(args)
	if spec == nil || !spec.ArityOK(len(args)) {
		return fmt.Errorf("the log holds a command that this version does not know: %q with %d words", args[0], len(args))
	}
	switch spec.FullName {
	case "select":
		return a.selectDB(args[1])
	case "multi":
		a.multi = true
	case "exec":
		queue := a.queue
		a.multi, a.queue = false, nil
		for _, words := range queue {
			if err := a.Apply(words, nowMs); err != nil {
				return err
			}
		}
	case "ping", "replconf":
	default:
		return a.run(spec, args, nowMs)
	}
	return nil
}

func (a *Applier) run(spec *Spec, args [][]byte, nowMs int64) error {
	if spec.Handler == nil {
		if a.Other != nil {
			a.Other(spec, a.DB, args)
		}
		return nil
	}
	a.scratch.Buf = a.scratch.Buf[:0]
	a.Engine.Mode = keyspace.ExpiryIgnore
	_, err := a.Engine.Do(Run{Spec: spec, Args: args, DB: a.DB, NowMs: nowMs}, &a.scratch)
	if err != nil {
		return fmt.Errorf("the log's command %q failed: %w", args[0], err)
	}
	if a.Applied != nil {
		a.Applied()
	}
	a.Engine.ResetUnit()
	return nil
}

func (a *Applier) selectDB(word []byte) error {
	n, err := strconv.Atoi(string(word))
	if err != nil || n < 0 || n >= a.Engine.KS.Databases() {
		return fmt.Errorf("the log selects database %q, but this node has %d: set 'databases' as on the master", word, a.Engine.KS.Databases())
	}
	a.DB = n
	return nil
}

func isWord(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i := range b {
		if b[i]|0x20 != lower[i] {
			return false
		}
	}
	return true
}

func cloneWords(args [][]byte) [][]byte {
	words := make([][]byte, len(args))
	for i, a := range args {
		words[i] = append([]byte(nil), a...)
	}
	return words
}
