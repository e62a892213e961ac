package rdb

import "github.com/tandemkv/tandem/keyspace"

// Types of values, as Redis numbers them.
const (
	typeString          = 0
	typeList            = 1
	typeSet             = 2
	typeZSetText        = 3 // scores as text
	typeHash            = 4
	typeZSet            = 5
	typeModulePreGA     = 6
	typeModule          = 7
	typeHashZipmap      = 9
	typeListZiplist     = 10
	typeSetIntset       = 11
	typeZSetZiplist     = 12
	typeHashZiplist     = 13
	typeListQuicklist   = 14
	typeStream          = 15
	typeHashListpack    = 16
	typeZSetListpack    = 17
	typeListQuicklist2  = 18
	typeStream2         = 19
	typeSetListpack     = 20
	typeStream3         = 21
	typeHashTTLPreGA    = 22 // Valkey 9 uses the same number for its own hash with field deadlines
	typeHashTTLPackPre  = 23
	typeHashTTL         = 24
	typeHashTTLListpack = 25
)

// kindRow says how a kind is written.
type kindRow struct {
	kind   keyspace.Kind
	typ    byte
	encode func(e *encoder, it *keyspace.Item)
	only   func(it *keyspace.Item) bool // the values that need this row; nil: all
	least  int                          // version of the format that knows the type; 0: all that are written do
	since  int                          // in older versions a later row takes its place
}

// kindRows has a row for each kind that the keyspace can hold. The first that fits is taken.
var kindRows = [...]kindRow{
	{kind: keyspace.KindString, typ: typeString, encode: encodeString},
	{kind: keyspace.KindList, typ: typeList, encode: encodeList},
	{kind: keyspace.KindSet, typ: typeSet, encode: encodeSet},
	{kind: keyspace.KindZSet, typ: typeZSet, encode: encodeZSet},
	{kind: keyspace.KindHash, typ: typeHashTTL, encode: encodeHashTTL, only: hasFieldDeadlines, least: VersionFieldDeadlines},
	{kind: keyspace.KindHash, typ: typeHash, encode: encodeHash},
	{kind: keyspace.KindStream, typ: typeStream3, encode: encodeStream(streamForm{counters: true, active: true}), since: 11},
	{kind: keyspace.KindStream, typ: typeStream2, encode: encodeStream(streamForm{counters: true}), since: 10},
	{kind: keyspace.KindStream, typ: typeStream, encode: encodeStream(streamForm{})},
}

// rowOfItem gives the row of a value in a version of the format.
func rowOfItem(it *keyspace.Item, version int) *kindRow {
	for i := range kindRows {
		if row := &kindRows[i]; row.kind == it.Kind && row.since <= version && (row.only == nil || row.only(it)) {
			return row
		}
	}
	return nil
}

// typeRow says how a type is read, or why it is refused.
type typeRow struct {
	typ     byte
	name    string
	decode  func(s *source, t target) (elements int, err error)
	refusal string // instead of decode
}

const (
	refusedModule   = "a value of a module's own type, and modules are not supported. Delete the key at the source, then try again"
	refusedFieldTTL = "a hash whose fields have deadlines in the form of Valkey 9 or of 7.4's release candidates. Persist its fields at the source (HPERSIST), then try again"
)

// typeRows has a row for each type that a server ever wrote.
var typeRows = [...]typeRow{
	{typ: typeString, name: "string", decode: decodeString},
	{typ: typeList, name: "list", decode: decodeList},
	{typ: typeSet, name: "set", decode: decodeSet},
	{typ: typeZSetText, name: "zset with scores as text", decode: decodeZSetText},
	{typ: typeHash, name: "hash", decode: decodeHash},
	{typ: typeZSet, name: "zset", decode: decodeZSet},
	{typ: typeModulePreGA, name: "module value (before 4.0)", refusal: refusedModule},
	{typ: typeModule, name: "module value", refusal: refusedModule},
	{typ: typeHashZipmap, name: "hash as zipmap", decode: decodeHashZipmap},
	{typ: typeListZiplist, name: "list as ziplist", decode: decodeListZiplist},
	{typ: typeSetIntset, name: "set as intset", decode: decodeSetIntset},
	{typ: typeZSetZiplist, name: "zset as ziplist", decode: decodeZSetZiplist},
	{typ: typeHashZiplist, name: "hash as ziplist", decode: decodeHashZiplist},
	{typ: typeListQuicklist, name: "list as quicklist of ziplists", decode: decodeListQuicklist},
	{typ: typeStream, name: "stream", decode: decodeStream(streamForm{})},
	{typ: typeHashListpack, name: "hash as listpack", decode: decodeHashListpack},
	{typ: typeZSetListpack, name: "zset as listpack", decode: decodeZSetListpack},
	{typ: typeListQuicklist2, name: "list as quicklist of listpacks", decode: decodeListQuicklist2},
	{typ: typeStream2, name: "stream (7.0)", decode: decodeStream(streamForm{counters: true})},
	{typ: typeSetListpack, name: "set as listpack", decode: decodeSetListpack},
	{typ: typeStream3, name: "stream (7.2)", decode: decodeStream(streamForm{counters: true, active: true})},
	{typ: typeHashTTLPreGA, name: "hash with field deadlines", refusal: refusedFieldTTL},
	{typ: typeHashTTLPackPre, name: "hash with field deadlines", refusal: refusedFieldTTL},
	{typ: typeHashTTL, name: "hash with field deadlines", decode: decodeHashTTL},
	{typ: typeHashTTLListpack, name: "hash with field deadlines as listpack", decode: decodeHashTTLListpack},
}

func rowOfType(typ byte) *typeRow {
	for i := range typeRows {
		if typeRows[i].typ == typ {
			return &typeRows[i]
		}
	}
	return nil
}
