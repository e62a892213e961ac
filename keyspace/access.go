package keyspace

import "math/rand/v2"

// The access information of an entry, 24 bits of its cell, says when it was last used (a clock of seconds that goes round
// after 194 days), or how often: 16 bits of minutes, when the count was last looked at, above 8 bits of a count that
// grows with the logarithm of the uses. Both as in Redis ("Key eviction" in its documentation).
//
// Reads write it, and nothing else: it is no part of the data, of no digest, and its change marks nothing.

const (
	accessMask    = 1<<24 - 1
	minutesMask   = 1<<16 - 1
	frequencyMax  = 255
	frequencyBorn = 5 // of a new key, so that it is not the first to go
)

// Tracking says what the keyspace notes of a key's uses. The zero value notes the time of the last one.
type Tracking struct {
	// Frequency: how often a key is used is noted, and not when.
	Frequency bool
	// LogFactor is lfu-log-factor, 0..: the higher, the more uses the count takes to grow.
	LogFactor int
	// DecayMinutes is lfu-decay-time, 0..: the count falls by one in so many minutes without a use; 0: never.
	DecayMinutes int
	// Rand gives the counts their chance. It must be there with Frequency.
	Rand *rand.Rand
}

// access is how uses are noted.
type access struct {
	Tracking
	now  uint32 // seconds in 24 bits, or minutes in 16, of the last Begin
	hold bool   // uses are not noted
}

// Track changes what is noted from now on. What was noted before keeps its bits, and so changes its meaning for a while,
// as in Redis.
func (ks *Keyspace) Track(t Tracking) {
	ks.access.Tracking = t
	ks.access.setClock(ks.nowMs)
	ks.pool.clear()
}

// Tracking gives what is noted.
func (ks *Keyspace) Tracking() Tracking { return ks.access.Tracking }

// NoTouch has the rest of this command leave no trace of the keys that it looks up.
func (ks *Keyspace) NoTouch() { ks.access.hold = true }

func (a *access) setClock(nowMs int64) {
	if a.Frequency {
		a.now = uint32(nowMs/60_000) & minutesMask
		return
	}
	a.now = uint32(nowMs/1000) & accessMask
}

// fresh is what a new key has.
func (a *access) fresh() uint32 {
	if a.Frequency {
		return a.now<<8 | frequencyBorn
	}
	return a.now
}

// used notes a use in the cell.
func (a *access) used(cell []byte) {
	if a.hold {
		return
	}
	was, is := accessOf(cell), a.now
	if a.Frequency {
		is = a.now<<8 | a.counted(a.frequency(was))
	}
	if is != was { // a cell in use is written once a second, or rarely, and not at each read
		setAccess(cell, is)
	}
}

// frequency is the count as of now.
func (a *access) frequency(v uint32) uint32 {
	count := v & frequencyMax
	if a.DecayMinutes == 0 {
		return count
	}
	periods := (a.now - v>>8) & minutesMask / uint32(a.DecayMinutes)
	return count - min(count, periods)
}

// counted gives the count after one more use.
func (a *access) counted(count uint32) uint32 {
	if count == frequencyMax {
		return count
	}
	above := uint64(max(count, frequencyBorn) - frequencyBorn)
	if n := above*uint64(a.LogFactor) + 1; n > 1 && a.Rand.Uint64N(n) != 0 {
		return count
	}
	return count + 1
}

// idle is the time in seconds since the last use.
func (a *access) idle(v uint32) uint32 { return (a.now - v) & accessMask }

// accessed gives the access information of a key that is to be seen.
func (db *DB) accessed(key []byte) (v uint32, ok bool) {
	e := db.look(key, &db.ks.reading)
	if e == nil {
		return 0, false
	}
	return accessOf(db.heap.Cell(e.ref)), true
}

// IdleSeconds is the time since a key's last use, in seconds; false when it is missing. It has no meaning while the
// frequency is noted. It is itself no use if NoTouch comes first.
func (db *DB) IdleSeconds(key []byte) (seconds int64, ok bool) {
	v, ok := db.accessed(key)
	return int64(db.ks.access.idle(v)), ok
}

// Frequency is the logarithmic count of a key's uses, 0..255; false when it is missing. It has a meaning only while the
// frequency is noted.
func (db *DB) Frequency(key []byte) (count int, ok bool) {
	v, ok := db.accessed(key)
	return int(db.ks.access.frequency(v)), ok
}

// Touch notes a use of a key, also after NoTouch; false when it is missing.
func (db *DB) Touch(key []byte) bool {
	e := db.look(key, &db.ks.reading)
	if e == nil {
		return false
	}
	if a := &db.ks.access; a.hold {
		a.hold = false
		a.used(db.heap.Cell(e.ref))
		a.hold = true
	}
	return true
}

// SetIdleSeconds puts a key's last use so far back, unless the frequency is noted. For loaders, behind the value.
func (db *DB) SetIdleSeconds(key []byte, seconds int64) {
	a := &db.ks.access
	if r := db.keys.find(db.keys.hash(key), key); r != 0 && !a.Frequency && seconds >= 0 {
		setAccess(db.heap.Cell(r), (a.now-uint32(min(seconds, accessMask)))&accessMask)
	}
}

// SetFrequency sets the count of a key's uses, 0..255, if the frequency is noted. For loaders, behind the value.
func (db *DB) SetFrequency(key []byte, count int) {
	a := &db.ks.access
	if r := db.keys.find(db.keys.hash(key), key); r != 0 && a.Frequency && count >= 0 {
		setAccess(db.heap.Cell(r), a.now<<8|uint32(min(count, frequencyMax)))
	}
}

// Access is the 24 bits that say when, or how often, the key was used.
func (it *Item) Access() uint32 { return it.access }

// IdleSeconds is the time since the key's last use, in seconds, while Tracking notes that.
func (it *Item) IdleSeconds() int64 { return int64(it.tracking.idle(it.access)) }

// Frequency is the count of the key's uses, 0..255, while Tracking notes that.
func (it *Item) Frequency() int { return int(it.tracking.frequency(it.access)) }
