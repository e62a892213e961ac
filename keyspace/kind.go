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
	encodingListpackEx // of a hash: fields may have deadlines
	encodingStream
	encodingEmbstrCode // as code: see vocabulary.go
	encodingRawCode
)

func (e encoding) isCode() bool { return e >= encodingEmbstrCode }

// String is the name that OBJECT ENCODING gives.
func (e encoding) String() string {
	switch e {
	case encodingInt:
		return "int"
	case encodingEmbstr, encodingEmbstrCode:
		return "embstr"
	case encodingRaw, encodingRawCode:
		return "raw"
	case encodingListpack:
		return "listpack"
	case encodingQuicklist:
		return "quicklist"
	case encodingIntset:
		return "intset"
	case encodingHashtable:
		return "hashtable"
	case encodingListpackEx:
		return "listpackex"
	case encodingStream:
		return "stream"
	default:
		return "skiplist"
	}
}

// form is a kind in one of its encodings, as entries' cells name it.
type form struct {
	kind     Kind
	encoding encoding
}

// forms are all that there are. Cells name them by their place, 4 bits.
var forms = [16]form{
	0:  {KindString, encodingEmbstrCode},
	1:  {KindString, encodingInt},
	2:  {KindString, encodingEmbstr},
	3:  {KindString, encodingRaw},
	4:  {KindList, encodingListpack},
	5:  {KindList, encodingQuicklist},
	6:  {KindSet, encodingIntset},
	7:  {KindSet, encodingListpack},
	8:  {KindSet, encodingHashtable},
	9:  {KindZSet, encodingListpack},
	10: {KindZSet, encodingSkiplist},
	11: {KindHash, encodingListpack},
	12: {KindHash, encodingHashtable},
	13: {KindHash, encodingListpackEx},
	14: {KindStream, encodingStream},
	15: {KindString, encodingRawCode},
}

// formPlaces is the place of each form in forms.
var formPlaces = placesOf(forms)

func placesOf(forms [16]form) (places [KindStream + 1][16]byte) {
	for i, of := range forms {
		if of.kind != KindNone {
			places[of.kind][of.encoding] = byte(i)
		}
	}
	return places
}

// formOf is the place of a form that there is.
func formOf(kind Kind, in encoding) byte { return formPlaces[kind][in] }

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
