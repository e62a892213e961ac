package rdb

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"strconv"

	"github.com/tandemkv/tandem/keyspace"
)

// Versions of the format that can be read: Redis' 2 to 12 and Valkey's 80.
const (
	readVersionMin    = 2
	readVersionMax    = 12
	readVersionValkey = 80
	checksumVersion   = 5 // the first with a checksum in the footer
)

// Limits on what a file may make us keep.
const (
	auxFieldsMax = 1024
	functionsMax = 1 << 16
)

// LoadOptions configure Load.
type LoadOptions struct {
	Keyspace *keyspace.Keyspace // owned by the caller of Load for as long as it runs; a key that is there already is an error
	NowMs    int64
	// DropExpired leaves out keys whose deadline has passed: a master's way. A standby keeps them until the log says so.
	DropExpired bool
	Progress    func(bytes int64) // bytes read so far; may be nil
}

// Info is what a file said besides its keys.
type Info struct {
	Version      int
	Aux          []Aux    // in the file's order
	Functions    [][]byte // sources of function libraries, not looked at
	ModuleAux    int      // auxiliary data of modules that was skipped
	Keys         int64    // loaded
	Expired      int64    // left out by DropExpired
	EmptySkipped int64    // collections without elements, which old servers wrote by mistake
	Bytes        int64    // length of the file
	Checksummed  bool     // the footer held a checksum, and it was right
}

// Field gives the value of an auxiliary field.
func (i *Info) Field(name string) (value string, ok bool) {
	for _, f := range i.Aux {
		if f.Name == name {
			return f.Value, true
		}
	}
	return "", false
}

// Load reads a file into the keyspace, up to its footer. It may read ahead of it.
func Load(r io.Reader, o LoadOptions) (Info, error) {
	l := &loader{s: newSource(r, o.Progress), o: o, idleSeconds: -1, frequency: -1}
	err := l.load()
	l.info.Bytes = l.s.offset()
	return l.info, err
}

type loader struct {
	s    *source
	o    LoadOptions
	info Info
	db   *keyspace.DB

	// what the opcodes before a key said about it
	deadlineMs  int64
	hasDeadline bool
	idleSeconds int64 // -1: not said
	frequency   int   // -1: not said
	key         []byte
}

func (l *loader) load() error {
	if err := l.magic(); err != nil {
		return err
	}
	l.db = l.o.Keyspace.DB(0)
	for {
		op, err := l.s.byte()
		if err != nil {
			return err
		}
		if op == opEOF {
			return l.footer()
		}
		if op >= opSlotImport {
			err = l.opcode(op)
		} else {
			err = l.pair(op)
		}
		if err != nil {
			return err
		}
	}
}

// magic reads "REDIS0011" or "VALKEY080".
func (l *loader) magic() error {
	p, err := l.s.take(9)
	if err != nil {
		return err
	}
	digits, ok := bytes.CutPrefix(p, []byte("REDIS"))
	if !ok {
		digits, ok = bytes.CutPrefix(p, []byte("VALKEY"))
	}
	version, err := strconv.ParseUint(string(digits), 10, 16)
	if !ok || err != nil {
		return l.s.corrupt("it begins with %q, not with REDIS or VALKEY and a version", p)
	}
	if (version < readVersionMin || version > readVersionMax) && version != readVersionValkey {
		return l.s.unsupported("format version " + strconv.FormatUint(version, 10) +
			", and this version reads 2 to 12 and 80. Let the source write an older format")
	}
	l.info.Version = int(version)
	return nil
}

func (l *loader) opcode(op byte) error {
	switch op {
	case opSelectDB:
		return l.selectDB()
	case opDeadlineMs:
		ms, err := l.s.uint64()
		l.deadlineMs, l.hasDeadline = int64(ms), true
		return err
	case opDeadline:
		seconds, err := l.s.uint32()
		l.deadlineMs, l.hasDeadline = int64(int32(seconds))*1000, true
		return err
	case opIdle:
		seconds, err := l.s.length()
		l.idleSeconds = int64(min(seconds, math.MaxInt64))
		return err
	case opFreq:
		count, err := l.s.byte()
		l.frequency = int(count)
		return err
	case opResizeDB, opSlotInfo:
		return l.skipLengths(op)
	case opAux:
		return l.aux()
	case opFunction:
		return l.function()
	case opModuleAux:
		return l.moduleAux()
	case opFunctionPreGA:
		return l.s.unsupported("a function library in the form of 7.0's release candidates")
	}
	return l.s.unsupported("a slot migration that is under way. Let it finish at the source, then try again")
}

// skipLengths passes over hints that this keyspace has no use for.
func (l *loader) skipLengths(op byte) error {
	n := map[byte]int{opResizeDB: 2, opSlotInfo: 3}[op]
	for range n {
		if _, err := l.s.length(); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) selectDB() error {
	n, err := l.s.length()
	if err != nil {
		return err
	}
	if have := l.o.Keyspace.Databases(); n >= uint64(have) {
		return l.s.unsupported("database " + strconv.FormatUint(n, 10) + ", but this node has " + strconv.Itoa(have) +
			": set 'databases' as at the source")
	}
	l.db = l.o.Keyspace.DB(int(n))
	return nil
}

func (l *loader) aux() error {
	name, err := l.s.str()
	if err != nil {
		return err
	}
	f := Aux{Name: string(name)}
	value, err := l.s.str()
	if err != nil {
		return err
	}
	f.Value = string(value)
	if len(l.info.Aux) == auxFieldsMax {
		return l.s.corrupt("more than %d auxiliary fields", auxFieldsMax)
	}
	l.info.Aux = append(l.info.Aux, f)
	return nil
}

func (l *loader) function() error {
	code, err := l.s.str()
	if err != nil {
		return err
	}
	if len(l.info.Functions) == functionsMax {
		return l.s.corrupt("more than %d function libraries", functionsMax)
	}
	l.info.Functions = append(l.info.Functions, append([]byte{}, code...))
	return nil
}

// Opcodes inside a module's data.
const (
	moduleEOF    = 0
	moduleSigned = 1
	moduleUint   = 2
	moduleFloat  = 3
	moduleDouble = 4
	moduleString = 5
)

// moduleAux skips what a module wrote beside its keys: its id, when it wants it, and a sequence of typed fields.
func (l *loader) moduleAux() error {
	if _, err := l.s.length(); err != nil {
		return err
	}
	l.info.ModuleAux++
	for {
		op, err := l.s.length()
		if err != nil {
			return err
		}
		switch op {
		case moduleEOF:
			return nil
		case moduleSigned, moduleUint:
			_, err = l.s.length()
		case moduleFloat:
			_, err = l.s.take(4)
		case moduleDouble:
			_, err = l.s.take(8)
		case moduleString:
			_, err = l.s.str()
		default:
			err = l.s.corrupt("field of type %d in a module's data", op)
		}
		if err != nil {
			return err
		}
	}
}

// pair reads a key and its value.
func (l *loader) pair(typ byte) error {
	key, err := l.s.str()
	if err != nil {
		return err
	}
	l.key = append(l.key[:0], key...)
	l.s.key = l.key
	deadlineMs, hasDeadline := l.deadlineMs, l.hasDeadline
	l.deadlineMs, l.hasDeadline = 0, false
	if hasDeadline && deadlineMs <= 0 {
		deadlineMs = 1 // the keyspace knows no deadline before 1970: it has passed either way
	}
	ks := l.o.Keyspace
	ks.Begin(l.o.NowMs, keyspace.ExpiryIgnore)
	err = l.value(typ, deadlineMs)
	ks.End()
	ks.Learn()
	l.s.key = nil
	l.idleSeconds, l.frequency = -1, -1
	return err
}

func (l *loader) value(typ byte, deadlineMs int64) error {
	if l.db.Kind(l.key) != keyspace.KindNone {
		return l.s.corrupt("the key is there twice (in database %d)", l.db.Index())
	}
	n, err := decodeValue(l.s, typ, target{db: l.db, key: l.key, deadlineMs: deadlineMs})
	switch {
	case err != nil:
		l.db.Remove(l.key, "")
		return err
	case n == 0:
		l.info.EmptySkipped++
	case l.o.DropExpired && deadlineMs != 0 && deadlineMs <= l.o.NowMs:
		l.db.Remove(l.key, "")
		l.info.Expired++
	default:
		// Each has an effect only if the keyspace notes just that.
		l.db.SetIdleSeconds(l.key, l.idleSeconds)
		l.db.SetFrequency(l.key, l.frequency)
		l.info.Keys++
	}
	return nil
}

// footer compares the checksum; 0 says that the writer made none.
func (l *loader) footer() error {
	if l.info.Version < checksumVersion {
		return nil
	}
	l.s.addSum()
	l.s.check = false
	want := l.s.sum.value
	p, err := l.s.take(8)
	if err != nil {
		return err
	}
	got := binary.LittleEndian.Uint64(p)
	if got != 0 && got != want {
		return l.s.corrupt("its checksum is %016x, but the content's is %016x", got, want)
	}
	l.info.Checksummed = got != 0
	return nil
}
