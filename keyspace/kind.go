package keyspace

// Kind is the type of a value. Its String is what TYPE replies.
type Kind uint8

// The kinds of value. KindNone is "no such key".
const (
	KindNone Kind = iota
	KindString
	KindList
	KindSet
	KindZSet
	KindHash
	KindStream
)

func (k Kind) String() string {
	switch k {
	case KindString:
		return "string"
	case KindList:
		return "list"
	case KindSet:
		return "set"
	case KindZSet:
		return "zset"
	case KindHash:
		return "hash"
	case KindStream:
		return "stream"
	default:
		return "none"
	}
}

// class is the letter of notify-keyspace-events for the kind's own events.
func (k Kind) class() byte {
	switch k {
	case KindString:
		return '$'
	case KindList:
		return 'l'
	case KindSet:
		return 's'
	case KindZSet:
		return 'z'
	case KindHash:
		return 'h'
	case KindStream:
		return 't'
	default:
		return 'g'
	}
}

// encoding is the form in which a value is stored.
type encoding uint8

const (
	encodingInt encoding = iota
	encodingEmbstr
	encodingRaw
	encodingListpack
	encodingQuicklist
	encodingIntset
	encodingHashtable
	encodingSkiplist
)

// String is the name that OBJECT ENCODING gives.
func (e encoding) String() string {
	switch e {
	case encodingInt:
		return "int"
	case encodingEmbstr:
		return "embstr"
	case encodingRaw:
		return "raw"
	case encodingListpack:
		return "listpack"
	case encodingQuicklist:
		return "quicklist"
	case encodingIntset:
		return "intset"
	case encodingHashtable:
		return "hashtable"
	default:
		return "skiplist"
	}
}

// eventClass gives the letter of an event: a few belong to no kind.
func eventClass(name string, kind Kind) byte {
	switch name {
	case "del", "expire", "persist", "restore", "copy_to", "rename_from", "rename_to", "move_from", "move_to":
		return 'g'
	case "expired":
		return 'x'
	case "evicted":
		return 'e'
	case "new":
		return 'n'
	default:
		return kind.class()
	}
}
