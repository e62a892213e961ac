package replication

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// HistoryEntriesMax bounds a History; the oldest reigns are forgotten first.
const HistoryEntriesMax = 16

// IDBytes is the length of a history id, in hex digits.
const IDBytes = 40

// historyVersion is the first byte of a marshalled History.
const historyVersion = 1

// ErrHistory is what UnmarshalHistory returns for bytes that Marshal never wrote.
var ErrHistory = errors.New("malformed history")

// NewID makes a history id out of 20 random bytes.
func NewID(random [20]byte) string { return hex.EncodeToString(random[:]) }

// ValidID reports whether s is 40 lower-case hex digits.
func ValidID(s string) bool {
	if len(s) != IDBytes {
		return false
	}
	return strings.Trim(s, "0123456789abcdef") == ""
}

// Entry is one reign's part of the log: it covers the bytes from Start up to the
// next entry's Start; the last entry is open.
type Entry struct {
	ID    string // 40 hex digits (Redis' replid)
	Epoch uint64
	Start int64
}

// History is the list of reigns that wrote a log, oldest first. It promises:
//
//  1. at most HistoryEntriesMax entries;
//  2. Start does not decrease, and is >= 0;
//  3. Epoch does not decrease; ids are valid and distinct.
//
// Append and UnmarshalHistory are the gateways that check them. A History is
// never changed once made.
type History []Entry

// Append returns the history with one more reign, which begins at entry.Start.
// Reigns that would have begun later are left out: a standby knows of its
// master's reigns before it has their first byte.
func (h History) Append(entry Entry) (History, error) {
	begun := h.CutAt(entry.Start)
	longer := make(History, 0, len(begun)+1)
	longer = append(append(longer, begun...), entry)
	if len(longer) > HistoryEntriesMax {
		longer = longer[len(longer)-HistoryEntriesMax:]
	}
	return longer, longer.check()
}

func (h History) check() error {
	if len(h) > HistoryEntriesMax {
		return fmt.Errorf("%w: %d entries", ErrHistory, len(h))
	}
	for i, e := range h {
		if !ValidID(e.ID) || e.Start < 0 {
			return fmt.Errorf("%w: entry %d is %+v", ErrHistory, i, e)
		}
		if i > 0 && (e.Epoch < h[i-1].Epoch || e.Start < h[i-1].Start) {
			return fmt.Errorf("%w: entry %d (%+v) is before entry %d (%+v)", ErrHistory, i, e, i-1, h[i-1])
		}
		for j := range i {
			if h[j].ID == e.ID {
				return fmt.Errorf("%w: id %s twice", ErrHistory, e.ID)
			}
		}
	}
	return nil
}

// At returns the last entry that has begun at or before end, false if there is none.
func (h History) At(end int64) (Entry, bool) {
	for i := len(h) - 1; i >= 0; i-- {
		if h[i].Start <= end {
			return h[i], true
		}
	}
	return Entry{}, false
}

// PositionAt is the position of a node with this history and log end. A standby
// that still lacks bytes of earlier reigns is at the epoch that it has reached.
func (h History) PositionAt(end int64) Position {
	e, _ := h.At(end)
	return Position{Epoch: e.Epoch, Offset: end}
}

// Last is the open entry; the zero Entry for an empty history.
func (h History) Last() Entry {
	if len(h) == 0 {
		return Entry{}
	}
	return h[len(h)-1]
}

// Previous returns Redis' master_replid2 and second_repl_offset: the id before
// the last one, and the first offset (in PSYNC counting) that it does not cover.
// Without one they are 40 zeros and -1, as Redis says.
func (h History) Previous() (id string, secondOffset int64) {
	if len(h) < 2 {
		return strings.Repeat("0", IDBytes), -1
	}
	return h[len(h)-2].ID, h.Last().Start + 1
}

// coveredTo is the end of what the entry with this id vouches for in a log that
// ends at end; false if the id is not in the history.
func (h History) coveredTo(id string, end int64) (int64, bool) {
	for i, e := range h {
		if e.ID != id {
			continue
		}
		if i+1 < len(h) {
			return min(h[i+1].Start, end), true
		}
		return end, true
	}
	return 0, false
}

// Contains reports whether the first offset bytes of the history named id are
// the first offset bytes of this log, which ends at end.
func (h History) Contains(id string, offset, end int64) bool {
	covered, known := h.coveredTo(id, end)
	return known && offset <= covered
}

// ForkPoint returns how many bytes two logs have in common, as far as their
// histories tell, and the id that covers them; false if they share no id.
func (h History) ForkPoint(end int64, other History, otherEnd int64) (offset int64, id string, common bool) {
	for _, e := range h {
		own, _ := h.coveredTo(e.ID, end)
		theirs, known := other.coveredTo(e.ID, otherEnd)
		if known && min(own, theirs) >= offset {
			offset, id, common = min(own, theirs), e.ID, true
		}
	}
	return offset, id, common
}

// CutAt returns the history of a node whose log was rewound to end.
func (h History) CutAt(end int64) History {
	for i := len(h); i > 0; i-- {
		if h[i-1].Start <= end {
			return h[:i:i]
		}
	}
	return nil
}

// Marshal returns the history as bytes that never change their meaning.
func (h History) Marshal() []byte {
	b := []byte{historyVersion, byte(len(h))}
	for _, e := range h {
		b = append(b, e.ID...)
		b = binary.BigEndian.AppendUint64(b, e.Epoch)
		b = binary.BigEndian.AppendUint64(b, uint64(e.Start))
	}
	return b
}

// UnmarshalHistory reads what Marshal wrote, and checks the promises of History.
func UnmarshalHistory(data []byte) (History, error) {
	const entryBytes = IDBytes + 16
	if len(data) < 2 || data[0] != historyVersion {
		return nil, fmt.Errorf("%w: no header of version %d", ErrHistory, historyVersion)
	}
	count, rest := int(data[1]), data[2:]
	if len(rest) != count*entryBytes {
		return nil, fmt.Errorf("%w: %d bytes for %d entries", ErrHistory, len(rest), count)
	}
	var h History
	for ; len(rest) > 0; rest = rest[entryBytes:] {
		h = append(h, Entry{
			ID:    string(rest[:IDBytes]),
			Epoch: binary.BigEndian.Uint64(rest[IDBytes:]),
			Start: int64(binary.BigEndian.Uint64(rest[IDBytes+8:])),
		})
	}
	return h, h.check()
}

// String lists the entries, oldest first, with short ids.
func (h History) String() string {
	parts := make([]string, len(h))
	for i, e := range h {
		parts[i] = fmt.Sprintf("%s@%d/epoch%d", ShortID(e.ID), e.Start, e.Epoch)
	}
	return "[" + strings.Join(parts, " ") + "]"
}

// ShortID is the beginning of an id, enough for people.
func ShortID(id string) string {
	if len(id) > 8 {
		return id[:8]
	}
	return id
}
