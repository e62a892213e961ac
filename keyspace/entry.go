package keyspace

// value is what a key holds: a string, packed bytes, or a large structure.
type value struct {
	kind     Kind
	encoding encoding
	// number is the integer of encodingInt, and the number of elements of packed bytes (pairs for hash and zset).
	number int64
	// listpackBytes is what a list in packed bytes would take in Redis, whose threshold is in bytes.
	listpackBytes int
	data          []byte
	large         large // of encodingQuicklist, encodingHashtable and encodingSkiplist
}

// large is a structure with blocks of its own: *hashTable, *setTable, *listBlocks, *rankedSet.
type large interface {
	len() int
	clone() large
}

// newValue is an empty value in the kind's smallest form.
func newValue(kind Kind) value {
	v := value{kind: kind, encoding: encodingListpack}
	switch kind {
	case KindString:
		v.encoding = encodingEmbstr
	case KindList:
		v.listpackBytes = listpackBytesEmpty
	case KindSet:
		v.encoding = encodingIntset
	}
	return v
}

// len is the number of elements; a string always counts as one, because it is never removed for being empty.
func (v *value) len() int {
	switch {
	case v == nil:
		return 0
	case v.kind == KindString:
		return 1
	case v.large != nil:
		return v.large.len()
	default:
		return int(v.number)
	}
}

func (v *value) clone() value {
	c := *v
	c.data = append([]byte(nil), v.data...)
	if v.large != nil {
		c.large = v.large.clone()
	}
	return c
}

// entry is one key of a database.
type entry struct {
	key      []byte // never changed
	hash     uint64
	deadline int64 // ms since 1970; 0: none
	value

	// stamp is the freeze clock when the entry was last prepared for a change: a view opened later has not got it.
	stamp uint64
	// dirty is the dirty generation in which the entry was last marked.
	dirty uint64
	// born is the dirty generation in which the key came to be without the checkpoint knowing it; 0: it may know it.
	born uint64
	// noted is the command that noted a change of the entry, at changes[notedAt], or met it as expired (notedAt -1).
	noted   uint64
	notedAt int
}

func (e *entry) indexKey() []byte { return e.key }
