package rdb

import (
	"bytes"
	"encoding/binary"
	"math"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tandemkv/tandem/keyspace"
)

// The writers here make what old servers wrote; this package only reads it.

func raw(parts ...any) []byte {
	var b []byte
	for _, p := range parts {
		switch v := p.(type) {
		case int:
			b = append(b, byte(v))
		case string:
			b = append(b, v...)
		case []byte:
			b = append(b, v...)
		}
	}
	return b
}

// text is an RDB string in its plain form.
func text(p []byte) []byte {
	e := encoder{}
	e.length(uint64(len(p)))
	return append(e.buf, p...)
}

func makeZiplist(words ...string) []byte {
	var body []byte
	before := 0
	tail := 10
	for _, w := range words {
		tail = 10 + len(body)
		start := len(body)
		if before < 254 {
			body = append(body, byte(before))
		} else {
			body = append(body, 0xFE)
			body = binary.LittleEndian.AppendUint32(body, uint32(before))
		}
		body = appendZiplistEntry(body, w)
		before = len(body) - start
	}
	p := binary.LittleEndian.AppendUint32(nil, uint32(10+len(body)+1))
	p = binary.LittleEndian.AppendUint32(p, uint32(tail))
	p = binary.LittleEndian.AppendUint16(p, uint16(len(words)))
	return append(append(p, body...), 0xFF)
}

func appendZiplistEntry(b []byte, w string) []byte {
	n, err := strconv.ParseInt(w, 10, 64)
	word := err != nil || strconv.FormatInt(n, 10) != w
	switch {
	case word && len(w) < 64:
		return append(append(b, byte(len(w))), w...)
	case word && len(w) < 16384:
		return append(append(b, 0x40|byte(len(w)>>8), byte(len(w))), w...)
	case word:
		return append(binary.BigEndian.AppendUint32(append(b, 0x80), uint32(len(w))), w...)
	case n >= 0 && n <= 12:
		return append(b, 0xF1+byte(n))
	case n == int64(int8(n)):
		return append(b, 0xFE, byte(n))
	case n == int64(int16(n)):
		return binary.LittleEndian.AppendUint16(append(b, 0xC0), uint16(n))
	case n >= -1<<23 && n < 1<<23:
		return append(b, 0xF0, byte(n), byte(n>>8), byte(n>>16))
	case n == int64(int32(n)):
		return binary.LittleEndian.AppendUint32(append(b, 0xD0), uint32(n))
	}
	return binary.LittleEndian.AppendUint64(append(b, 0xE0), uint64(n))
}

func makeZipmap(pairs ...string) []byte {
	p := []byte{byte(len(pairs) / 2)}
	for i, w := range pairs {
		if len(w) < 254 {
			p = append(p, byte(len(w)))
		} else {
			p = binary.LittleEndian.AppendUint32(append(p, 0xFE), uint32(len(w)))
		}
		slack := 0
		if i%2 == 1 {
			slack = i % 3
			p = append(p, byte(slack))
		}
		p = append(append(p, w...), make([]byte, slack)...)
	}
	return append(p, 0xFF)
}

func makeIntset(width int, numbers ...int64) []byte {
	p := binary.LittleEndian.AppendUint32(nil, uint32(width))
	p = binary.LittleEndian.AppendUint32(p, uint32(len(numbers)))
	for _, n := range numbers {
		b := binary.LittleEndian.AppendUint64(nil, uint64(n))
		p = append(p, b[:width]...)
	}
	return p
}

func makeListpack(entries ...[]byte) []byte {
	var body []byte
	for _, e := range entries {
		body = append(body, e...)
		body = append(body, make([]byte, backLengthBytes(len(e)))...)
	}
	p := binary.LittleEndian.AppendUint32(nil, uint32(6+len(body)+1))
	p = binary.LittleEndian.AppendUint16(p, uint16(len(entries)))
	return append(append(p, body...), 0xFF)
}

func file(version string, body ...any) []byte {
	p := raw("REDIS", version, raw(body...), 0xFF)
	if version >= "0005" {
		p = binary.LittleEndian.AppendUint64(p, Checksum(p))
	}
	return p
}

// words used as elements of packed values: numbers of each width, and texts of each header.
func packedWords() []string {
	return []string{
		"a", "0", "12", "13", "-1", "-128", "127", "128", "-4096", "4095", "4096", "-32768", "32767", "-8388608", "8388607",
		"2147483647", "-2147483648", "9223372036854775807", "-9223372036854775808", "", "007", "x y",
		strings.Repeat("m", 63), strings.Repeat("n", 64), strings.Repeat("o", 300), strings.Repeat("p", 17000),
	}
}

func TestLoad_oldTypes(t *testing.T) {
	words := packedWords()
	var pairs, scored []string
	for i, w := range words {
		pairs = append(pairs, "f"+strconv.Itoa(i), w)
		scored = append(scored, "m"+strconv.Itoa(i), strconv.Itoa(i*1000))
	}
	scored = append(scored, "half", "0.5", "low", "-inf", "high", "inf")
	body := raw(
		0xFE, 0,
		typeListZiplist, text([]byte("zl")), text(makeZiplist(words...)),
		typeListQuicklist, text([]byte("ql")), 2, text(makeZiplist(words[:3]...)), text(makeZiplist(words[3:]...)),
		typeHashZiplist, text([]byte("hzl")), text(makeZiplist(pairs...)),
		typeHashZipmap, text([]byte("hzm")), text(makeZipmap(pairs...)),
		typeZSetZiplist, text([]byte("zzl")), text(makeZiplist(scored...)),
		typeZSetText, text([]byte("zt")), 4, text([]byte("a")), 3, "1.5", text([]byte("b")), 254, text([]byte("c")), 255, text([]byte("d")), 1, "7",
		typeSetIntset, text([]byte("i2")), text(makeIntset(2, -300, 0, 300)),
		typeSetIntset, text([]byte("i4")), text(makeIntset(4, -70000, 70000)),
		typeSetIntset, text([]byte("i8")), text(makeIntset(8, math.MinInt64, math.MaxInt64)),
	)
	want := newKeyspace()
	edit(want, func() {
		db := want.DB(0)
		for _, key := range []string{"zl", "ql"} {
			list := db.ReplaceList([]byte(key), "")
			for _, w := range words {
				list.PushTail([]byte(w))
			}
		}
		for _, key := range []string{"hzl", "hzm"} {
			hash := db.ReplaceHash([]byte(key), "")
			for i := 0; i < len(pairs); i += 2 {
				hash.Set([]byte(pairs[i]), []byte(pairs[i+1]))
			}
		}
		zset := db.ReplaceZSet([]byte("zzl"), "")
		for i := 0; i < len(scored); i += 2 {
			f, err := strconv.ParseFloat(scored[i+1], 64)
			require.NoError(t, err)
			zset.Put([]byte(scored[i]), f)
		}
		zset = db.ReplaceZSet([]byte("zt"), "")
		for m, s := range map[string]float64{"a": 1.5, "b": math.Inf(1), "c": math.Inf(-1), "d": 7} {
			zset.Put([]byte(m), s)
		}
		fillInts(db, "i2", "-300", "0", "300")
		fillInts(db, "i4", "-70000", "70000")
		fillInts(db, "i8", "-9223372036854775808", "9223372036854775807")
	})
	for _, version := range []string{"0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010", "0011", "0012", "0080"} {
		back, info, err := load(file(version, body))
		require.NoError(t, err, version)
		require.Equal(t, int64(9), info.Keys)
		requireSame(t, describe(want), describe(back))
	}
}

func fillInts(db *keyspace.DB, key string, members ...string) {
	set := db.ReplaceSet([]byte(key), "")
	for _, m := range members {
		set.Add([]byte(m))
	}
}

func TestLoad_deadlineInSeconds(t *testing.T) {
	back, _, err := load(file("0003", 0xFE, 0, 0xFD, []byte{0x00, 0x10, 0x5e, 0x5f}, 0, text([]byte("k")), text([]byte("v")), 0, text([]byte("l")), text([]byte("v"))))
	require.NoError(t, err)
	ms, ok := back.DB(0).Deadline([]byte("k"))
	require.True(t, ok)
	require.Equal(t, int64(0x5f5e1000)*1000, ms)
	ms, ok = back.DB(0).Deadline([]byte("l"))
	require.True(t, ok)
	require.Zero(t, ms, "a deadline belongs to one key only")
}

func TestLoad_opcodes(t *testing.T) {
	body := raw(
		0xFA, text([]byte("valkey-ver")), text([]byte("9.0.0")),
		0xF7, 0x81, []byte{1, 2, 3, 4, 5, 6, 7, 8}, 2, 1, 1, 5, 2, 9, 3, "abcd", 4, "abcdefgh", 5, text([]byte("data")), 0, // module aux
		0xF5, text([]byte("#!lua")),
		0xFE, 2, 0xFB, 1, 0,
		0xF4, 0, 1, 0, // slot info
		0xF8, 0x40, 0x80, 0, text([]byte("idle")), text([]byte("v")),
		0xF9, 200, 0, text([]byte("freq")), text([]byte("v")),
	)
	p := raw("VALKEY080", body, 0xFF, make([]byte, 8))
	back, info, err := load(p)
	require.NoError(t, err)
	require.Equal(t, 80, info.Version)
	require.Equal(t, 1, info.ModuleAux)
	require.Equal(t, int64(2), info.Keys)
	require.False(t, info.Checksummed)
	require.Equal(t, 2, back.DB(2).Len())
	require.Len(t, info.Functions, 1)
}

func TestLoad_listpackEntries(t *testing.T) {
	long := strings.Repeat("l", 5000)
	entries := [][]byte{
		raw(0x00), raw(0x7f), raw(0x83, "abc"), raw(0xC0, 0xFF), raw(0xDF, 0xFF), raw(0xD0, 0x00), raw(0xE1, 0x00, strings.Repeat("s", 256)),
		raw(0xF1, 0x00, 0x80), raw(0xF2, 0xff, 0xff, 0x7f), raw(0xF2, 0x00, 0x00, 0x80), raw(0xF3, 0, 0, 0, 0x80), raw(0xF4, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f),
		raw(0xF0, 0x88, 0x13, 0, 0, long),
	}
	want := []string{"0", "127", "abc", "255", "-1", "-4096", strings.Repeat("s", 256), "-32768", "8388607", "-8388608", "-2147483648", "9223372036854775807", long}
	body := raw(typeListQuicklist2, text([]byte("l")), 2, 2, text(makeListpack(entries...)), 1, text([]byte("a plain node")))
	back, _, err := load(file("0010", body))
	require.NoError(t, err)
	list, err := back.DB(0).List([]byte("l"))
	require.NoError(t, err)
	var got []string
	list.Each(0, false, func(_ int, v []byte) bool { got = append(got, string(v)); return true })
	require.Equal(t, append(want, "a plain node"), got)
}

func TestLoad_refusals(t *testing.T) {
	k := text([]byte("the:key"))
	for name, c := range map[string]struct {
		body []byte
		want string
	}{
		"module":           {raw(7, k), `in key "the:key": a value of a module`},
		"hash ttl":         {raw(22, k), `in key "the:key": a hash whose fields have deadlines`},
		"unknown type":     {raw(99, k), `in key "the:key": value of type 99`},
		"database":         {raw(0xFE, 16), "database 16, but this node has 16"},
		"twice":            {raw(0, k, text([]byte("1")), 0, k, text([]byte("2"))), `in key "the:key": the key is there twice`},
		"member twice":     {raw(2, k, 2, text([]byte("m")), text([]byte("m"))), `member "m" twice`},
		"field twice":      {raw(4, k, 2, text([]byte("m")), text([]byte("m")), text([]byte("m")), text([]byte("m"))), `field "m" twice`},
		"zset twice":       {raw(5, k, 2, text([]byte("m")), make([]byte, 8), text([]byte("m")), make([]byte, 8)), `member "m" twice`},
		"nan":              {raw(3, k, 1, text([]byte("m")), 253), "not a number"},
		"bad score":        {raw(12, k, text(makeZiplist("m", "many"))), `score "many"`},
		"odd":              {raw(13, k, text(makeZiplist("m"))), "odd number of elements"},
		"odd zipmap":       {raw(9, k, text(raw(1, 1, "a", 0xFF))), "does not fit together"},
		"intset size":      {raw(11, k, text(makeIntset(2, 1, 2)[:9])), "does not fit together"},
		"intset width":     {raw(11, k, text(makeIntset(3))), "does not fit together"},
		"listpack size":    {raw(16, k, text(raw(99, 0, 0, 0, 0, 0, 0xFF))), "does not fit together"},
		"listpack count":   {raw(20, k, text(raw(9, 0, 0, 0, 2, 0, 1, 1, 0xFF))), "does not fit together"},
		"quicklist node":   {raw(18, k, 1, 3), "container 3"},
		"long string":      {raw(0, k, 0x81, []byte{1, 0, 0, 0, 0, 0, 0, 0}), "a string of 72057594037927936 bytes"},
		"bad length":       {raw(0, k, 0xC7), "0xc7 where a length begins"},
		"lzf bomb":         {raw(0, k, 0xC3, 1, 0x80, []byte{0x7f, 0, 0, 0}, 0), "a compressed string of 1 bytes"},
		"lzf damage":       {raw(0, k, 0xC3, 2, 30, 0xff, 0xff), "compressed string is damaged"},
		"slot migration":   {raw(0xF3), "slot migration"},
		"early functions":  {raw(0xF6), "release candidates"},
		"module aux field": {raw(0xF7, 1, 9), "field of type 9"},
	} {
		back, _, err := load(file("0010", c.body))
		require.ErrorContains(t, err, c.want, name)
		require.Equal(t, keyspace.KindNone == back.DB(0).Kind([]byte("the:key")), name != "twice", "a refused key is not there: %s", name)
	}
	for _, head := range []string{"REDIS0001", "REDIS0013", "VALKEY081", "REDISabcd", "RIDES0010", "REDIS-010"} {
		_, _, err := load([]byte(head + "\xff"))
		require.Error(t, err, head)
	}
	p := file("0010", raw(0, k, text([]byte("v"))))
	p[len(p)-1] ^= 1
	_, _, err := load(p)
	require.ErrorContains(t, err, "its checksum is")
}

func TestLoad_skipsEmptyCollections(t *testing.T) {
	back, info, err := load(file("0010", 4, text([]byte("h")), 0, 20, text([]byte("s")), text(makeListpack()), 0, text([]byte("k")), text([]byte("v"))))
	require.NoError(t, err)
	require.Equal(t, int64(2), info.EmptySkipped)
	require.Equal(t, int64(1), info.Keys)
	require.Equal(t, 1, back.DB(0).Len())
}

// A claim costs nothing: the input says gigabytes and holds a few bytes.
func TestLoad_claimsAreNotAllocated(t *testing.T) {
	k := text([]byte("k"))
	huge := raw(0x80, []byte{0x7f, 0xff, 0xff, 0xff})
	claims := map[string][]byte{
		"string": raw(0, k, huge, "abc"), "list": raw(1, k, huge, 1), "set": raw(2, k, huge, 1), "hash": raw(4, k, huge), "zset": raw(5, k, huge),
		"quicklist": raw(14, k, huge), "lzf": raw(0, k, 0xC3, huge, huge), "aux": raw(0xFA, huge), "ziplist": raw(10, k, text(makeZiplist("a")[:5])),
		"many": raw(1, k, 0x81, bytes.Repeat([]byte{0xff}, 8)), "resize": raw(0xFB, huge, huge),
	}
	for name, body := range claims {
		var before, after runtime.MemStats
		p := raw("REDIS0010", body)
		ks := newKeyspace()
		runtime.ReadMemStats(&before)
		_, err := Load(bytes.NewReader(p), LoadOptions{Keyspace: ks})
		runtime.ReadMemStats(&after)
		require.Error(t, err, name)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(8<<20), name)
	}
}
