package keyspace

import "github.com/tandemkv/tandem/internal/fsst"

// Strings of middle length are kept as code where that is shorter, with tables that are learned from the strings that are
// set (internal/fsst). It goes like this: while strings come, every so often some of them are kept as a sample. Somebody
// takes the sample as a Lesson and learns from it, which takes milliseconds and not the keyspace, and then the new table
// is put in place if it is better than what there was. What older tables have encoded stays as it is until it is set anew.
//
// A string in code is: the table's number, a byte; and the code. How long it is in plain is the value's number.

const (
	// codedBytesMin: shorter strings have not enough to gain. The longest integer is shorter, so none is ever code.
	codedBytesMin = 24
	// codedBytesMax: longer strings are changed in place (wideBytesMin), and reading them would hold the owner.
	codedBytesMax = wideBytesMin - 1
	// tablesMax is what a byte can number, without 0. When all are in use the current one stays, until a number is free.
	tablesMax = 255
	// lessonBytesMin is how much is set between one sample and the next at first. It doubles each time, up to the maximum,
	// and starts anew with a table that was worth it: then the strings may be changing.
	lessonBytesMin = 1 << 20
	lessonBytesMax = 128 << 20
	// sampleEvery: one of so many strings is in the sample, so that it is not one client's alone. The first is made of all.
	sampleEvery = 8
)

// vocabulary is what a keyspace has learned of its strings.
type vocabulary struct {
	tables  [tablesMax + 1]*fsst.Table // by number; nil: none
	current byte                       // the number of the one that encodes; 0: none
	sample  sample
	due     int64 // bytes of strings until the next sample begins
	pause   int64 // what due is set to next
	away    bool  // a lesson is under way
}

// sample is strings one behind the other.
type sample struct {
	bytes   []byte
	ends    []int
	skipped int // strings since the last one
}

func (s *sample) full() bool { return len(s.bytes) >= fsst.SampleBytesMax }

// note is for each string that comes and could be code.
func (t *vocabulary) note(b []byte) {
	if t.due -= int64(len(b)); t.due > 0 || t.away || t.sample.full() {
		return
	}
	s := &t.sample
	if s.skipped++; s.skipped < sampleEvery && t.pause > 0 {
		return
	}
	s.skipped = 0
	s.bytes = append(s.bytes, b...)
	s.ends = append(s.ends, len(s.bytes))
}

// encode gives the form of a string as code, in the arena; false: it is better left as it is.
func (ks *Keyspace) encode(b []byte) (code []byte, ok bool) {
	if len(b) < codedBytesMin || len(b) > codedBytesMax || !ks.limits.CompressStrings {
		return nil, false
	}
	t, a := &ks.vocabulary, &ks.arena
	t.note(b)
	if t.current == 0 {
		return nil, false
	}
	a.room(1 + len(b))
	from := len(a.buf)
	a.buf, ok = t.tables[t.current].Append(append(a.buf, t.current), b)
	// Less than an eighth is not worth the decoding.
	if ok = ok && len(a.buf)-from <= len(b)*7/8; !ok {
		a.buf = a.buf[:from]
		return nil, false
	}
	return a.buf[from:len(a.buf):len(a.buf)], true
}

// plain gives n bytes of a string from its code, in the arena.
func (a *arena) plain(code []byte, n int) []byte {
	a.room(n)
	from := len(a.buf)
	a.buf = a.vocabulary.tables[code[0]].AppendPlain(a.buf, code[1:], n)
	return a.buf[from:len(a.buf):len(a.buf)]
}

// Lesson is a sample to be learned from, once.
type Lesson struct {
	ks      *Keyspace
	strings [][]byte
	bytes   int
	current *fsst.Table // nil: none
	better  *fsst.Table // nil: there is none
	useless bool        // the current one is
}

// LessonDue says whether there is a Lesson.
func (ks *Keyspace) LessonDue() bool { return ks.vocabulary.sample.full() && !ks.vocabulary.away }

// Lesson gives what is to be learned, nil if nothing is. It is called between commands, as Adopt is; in between anybody may
// Learn while the keyspace goes on.
func (ks *Keyspace) Lesson() *Lesson {
	t := &ks.vocabulary
	if !ks.LessonDue() {
		return nil
	}
	l := &Lesson{ks: ks, bytes: len(t.sample.bytes), current: t.tables[t.current]}
	from := 0
	for _, end := range t.sample.ends {
		l.strings = append(l.strings, t.sample.bytes[from:end])
		from = end
	}
	t.sample, t.away = sample{}, true
	return l
}

// Learn takes some milliseconds.
func (l *Lesson) Learn() {
	size := l.bytes
	if l.current != nil {
		size = l.current.Size(l.strings)
	}
	if made := fsst.Train(l.strings); made != nil && made.Size(l.strings) <= size*7/8 {
		l.better = made
	}
	l.useless = l.current != nil && size > l.bytes*15/16
}

// Adopt puts a better table in the place of the current one.
func (l *Lesson) Adopt() {
	t := &l.ks.vocabulary
	t.away = false
	t.pause = min(max(2*t.pause, lessonBytesMin), lessonBytesMax)
	t.due = t.pause
	number := byte(0)
	if l.better != nil {
		l.ks.dropTables()
		number = t.free()
	}
	if number == 0 && !l.useless {
		return
	}
	if t.current != 0 {
		t.tables[t.current].Seal()
	}
	if t.current = number; number != 0 {
		t.tables[number], t.pause = l.better, 0
	}
}

// Learn is all of a lesson at once, if one is due: for a loader, whom nobody waits for.
func (ks *Keyspace) Learn() {
	if l := ks.Lesson(); l != nil {
		l.Learn()
		l.Adopt()
	}
}

// free gives the number of no table, 0 if all are in use.
func (t *vocabulary) free() byte {
	for number := 1; number <= tablesMax; number++ {
		if t.tables[number] == nil {
			return byte(number)
		}
	}
	return 0
}

// dropTables drops those that no string needs. A view may have strings that the databases have no more.
func (ks *Keyspace) dropTables() {
	t := &ks.vocabulary
	if len(ks.views) > 0 {
		return
	}
	for number, table := range t.tables {
		if table == nil || byte(number) == t.current {
			continue
		}
		needed := false
		for _, db := range ks.dbs {
			needed = needed || db.coded.of != nil && db.coded.of[number] > 0
		}
		if !needed {
			t.tables[number] = nil
		}
	}
}

// coded are totals of the strings of a store that are code.
type coded struct {
	of    []int // by the number of their table; nil: there were none yet
	count int
	saved int64 // bytes that they have less than in plain
}

// countCode counts the string in the cell of an entry in (1) or out (-1), if it is code.
func (s *store) countCode(cell []byte, n int) {
	if !forms[cell[0]&formMask].encoding.isCode() {
		return
	}
	c := &s.coded
	if c.of == nil {
		c.of = make([]int, tablesMax+1)
	}
	var plain, size int64
	_, rest := plainKey(cell[keyAt(cell):])
	code := takeNumber(takeNumber(rest, &plain), &size)
	c.of[code[0]] += n
	c.count += n
	c.saved += int64(n) * (plain - size)
}

// Coded tells of the strings that are kept as code: how many, how many bytes that saves, and how many tables they need.
func (ks *Keyspace) Coded() (count int, saved int64, tables int) {
	for _, db := range ks.dbs {
		count += db.coded.count
		saved += db.coded.saved
	}
	for _, table := range ks.vocabulary.tables {
		if table != nil {
			tables++
		}
	}
	return count, saved, tables
}
