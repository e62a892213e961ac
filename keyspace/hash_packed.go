package keyspace

import (
	"bytes"
	"encoding/binary"
)

// A small hash is rows. Once a field gets a deadline its encoding is another one (encodingListpackEx, and that stays): then
// each row's value begins with the field's deadline. It is a 0 byte if there is none, else timedBytes of it, the highest
// first and with timedMark, so that fields which are due at about the same time share their beginning as a prefix.

const (
	timedMark  = 0x80
	timedBytes = fieldDeadlineBytes
)

// timed gives a value as it stands in a row, with its deadline in front.
func (a *arena) timed(value []byte, deadlineMs int64) []byte {
	a.room(timedBytes + len(value))
	from := len(a.buf)
	if deadlineMs == 0 {
		a.buf = append(a.buf, 0)
	} else {
		var room [8]byte
		binary.BigEndian.PutUint64(room[:], uint64(deadlineMs))
		room[8-timedBytes] |= timedMark
		a.buf = append(a.buf, room[8-timedBytes:]...)
	}
	a.buf = append(a.buf, value...)
	return a.buf[from:len(a.buf):len(a.buf)]
}

// deadline reads the deadline of a row that has one in front of its value, or says that it has none.
func (x *rows) deadline(r row) (ms int64) {
	var room [8]byte
	n := 8 - timedBytes + copy(room[8-timedBytes:], x.values)
	copy(room[n:], x.p[r.value:r.to])
	if room[8-timedBytes]&timedMark == 0 {
		return 0
	}
	room[8-timedBytes] &^= timedMark
	return int64(binary.BigEndian.Uint64(room[:]))
}

// rowField gives the value and the deadline of a small hash's row.
func (v *value) rowField(x *rows, r row, a *arena) (b []byte, deadlineMs int64) {
	b = x.value(r, a)
	if v.encoding == encodingListpack {
		return b, 0
	}
	if deadlineMs = x.deadline(r); deadlineMs == 0 {
		return b[1:], 0
	}
	return b[timedBytes:], deadlineMs
}

// setPacked sets a field of a small hash. Value and deadline are within the limits.
func (h *HashEdit) setPacked(v *value, field, value []byte, deadlineMs int64) (created bool) {
	if deadlineMs != 0 && v.encoding == encodingListpack {
		h.makeTimed(v)
	}
	x := rowsOf(v)
	r, _, exists := x.find(field)
	hadMs := int64(0)
	if v.encoding == encodingListpackEx {
		value = h.arena.timed(value, deadlineMs)
		if exists {
			hadMs = x.deadline(r)
		}
	} else if exists && len(value) == len(x.values)+r.to-r.value && bytes.HasPrefix(value, x.values) {
		copy(x.p[r.value:r.to], value[len(x.values):])
		return false
	}
	v.mutable(h.arena, packedSize(len(field))+packedSize(len(value)))
	if exists {
		x = v.share(h.arena, field, value)
		r, _, _ = x.find(field)
		v.putRow(r.from, r.to, field[len(x.keys):], value[len(x.values):])
	} else {
		v.addRow(h.arena, field, value)
	}
	v.retime(hadMs, deadlineMs)
	if !exists && int(v.number) > h.handle.db.ks.limits.HashMaxListpackEntries {
		h.enlarge(v)
	}
	return !exists || h.hides(hadMs)
}

// makeTimed gives the rows the form in which they can have deadlines.
func (h *HashEdit) makeTimed(v *value) {
	made := value{kind: KindHash, encoding: encodingListpackEx}
	h.Each(func(field, b []byte) bool {
		made.addRow(h.arena, field, h.arena.timed(b, 0))
		return true
	})
	*v = made
}

// deletePacked takes a field of a small hash out, which is there.
func (v *value) deletePacked(field []byte) {
	x := rowsOf(v)
	r, _, _ := x.find(field)
	hadMs := int64(0)
	if v.encoding == encodingListpackEx {
		hadMs = x.deadline(r)
	}
	v.removeRow(r)
	v.retime(hadMs, 0)
}

// retime keeps nextMs in line with a field whose deadline has changed.
func (v *value) retime(fromMs, toMs int64) {
	switch {
	case toMs != 0 && (v.nextMs == 0 || toMs < v.nextMs):
		v.nextMs = toMs
	case fromMs != 0 && fromMs == v.nextMs && toMs != fromMs:
		v.nextMs = 0
		v.eachDeadline(func(ms int64) {
			if v.nextMs == 0 || ms < v.nextMs {
				v.nextMs = ms
			}
		})
	}
}

// eachDeadline visits the deadlines of a small hash's fields.
func (v *value) eachDeadline(fn func(ms int64)) {
	x := rowsOf(v)
	x.each(func(r row) bool {
		if ms := x.deadline(r); ms != 0 {
			fn(ms)
		}
		return true
	})
}

// dropPacked removes up to most fields with a deadline before the given time, and gives their names.
func (v *value) dropPacked(beforeMs int64, most int, a *arena) (gone [][]byte) {
	v.mutable(a, 0)
	x := rowsOf(v)
	for off := x.first; off < len(x.p) && len(gone) < most; {
		r := x.at(off)
		if ms := x.deadline(r); ms == 0 || ms >= beforeMs {
			off = r.to
			continue
		}
		gone = append(gone, a.keep(x.key(r, a)))
		v.removeRow(r)
		x = rowsOf(v)
	}
	v.retime(v.nextMs, 0)
	return gone
}
