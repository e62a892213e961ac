package fsst

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// tables are, for each kind of strings, a table of each form and width, and under the kind's name what Train chooses.
func tables(t testing.TB) map[string]*Table {
	all := map[string]*Table{"no symbols": {symbols: newSymbols(nil)}}
	for _, k := range kinds() {
		sample := k.strings(1, 8<<10)
		if trained := Train(sample); trained != nil {
			all[k.name] = trained
		}
		for i, table := range trainAlphabets(sample) {
			all[fmt.Sprint(k.name, " in bits ", widthMin+i)] = table
		}
		learned := trainSymbols(sample, 9<<10)
		all[k.name+" in first symbols"], all[k.name+" in symbols"] = learned[0], learned[rounds-1]
	}
	require.Nil(t, all["random"])
	return all
}

// inputs are strings of all kinds, cut anywhere, and those that are at a border.
func inputs(r *rand.Rand) (all [][]byte) {
	for _, k := range kinds() {
		for range 60 {
			one := []byte(k.one(r))
			all = append(all, one[:r.IntN(len(one)+1)])
			mixed := append(bytes.Clone(one), random(r, r.IntN(4))...)
			all = append(all, append(mixed, k.one(r)...))
		}
		all = append(all, bytes.Join(k.strings(r.Uint64(), 3000), nil))
	}
	for n := range 40 {
		all = append(all, random(r, n), bytes.Repeat([]byte{0}, n), bytes.Repeat([]byte{255}, n), bytes.Repeat([]byte("ab"), n))
	}
	for b := range 256 {
		all = append(all, []byte{byte(b)})
	}
	return all
}

// roundTrip encodes into a buffer that has just the room, behind and before bytes that must stay.
func roundTrip(t testing.TB, table *Table, plain []byte) (ok bool) {
	const before, after = "before", "after!!!"
	around := []byte(before + string(make([]byte, len(plain))) + after)
	room := around[: len(before) : len(before)+len(plain)]
	code, ok := table.Append(room, plain)
	require.True(t, bytes.HasPrefix(code, []byte(before)))
	require.True(t, bytes.HasSuffix(around, []byte(after)), "written behind the room")
	if code = code[len(before):]; !ok {
		require.Empty(t, code)
		return false
	}
	require.Less(t, len(code), len(plain))
	code = bytes.Clone(code)
	again := table.AppendPlain(room, code, len(plain))
	require.Equal(t, before+string(plain)+after, string(around))
	require.Equal(t, before+string(plain), string(again))
	return true
}

func TestTable_roundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	all := inputs(r)
	for name, table := range tables(t) {
		shorter := 0
		for _, plain := range all {
			if roundTrip(t, table, plain) {
				shorter++
			}
		}
		if !strings.Contains(name, " ") { // of Train
			require.Positive(t, shorter, name)
		}
	}
}

func TestTable_sealedStillDecodes(t *testing.T) {
	for _, k := range kinds()[:6] {
		plain := k.strings(2, 1000)
		table := Train(k.strings(1, 8<<10))
		var codes [][]byte
		for _, p := range plain {
			code, _ := table.Append(nil, p)
			codes = append(codes, code)
		}
		before := table.Bytes()
		table.Seal()
		require.Less(t, table.Bytes(), before)
		for i, code := range codes {
			if len(code) > 0 {
				require.Equal(t, plain[i], table.AppendPlain(nil, code, len(plain[i])))
			}
		}
		require.Panics(t, func() { table.Append(nil, plain[0]) })
		table.Seal()
	}
}

func TestTable_bytes(t *testing.T) {
	for name, table := range tables(t) {
		require.Positive(t, table.Bytes())
		require.Less(t, table.Bytes(), 8<<10, name)
	}
}

// decodeAny decodes what may be no code of the table. It is refused with the values, or stands for n bytes; and nothing is
// written behind them.
func decodeAny(t testing.TB, table *Table, code []byte, n int) (ok bool) {
	around := bytes.Repeat([]byte{0xEE}, max(n, 0)+16)
	defer func() {
		require.Equal(t, bytes.Repeat([]byte{0xEE}, 16), around[max(n, 0):])
		if r := recover(); r != nil {
			require.Contains(t, r, "fsst: ", "an error of the runtime: %v", r)
			ok = false
		}
	}()
	require.Len(t, table.AppendPlain(around[:0:max(n, 0)], code, n), n)
	return true
}

func TestTable_refusesBadCode(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	all := inputs(r)
	for name, table := range tables(t) {
		for _, plain := range all {
			code, ok := table.Append(nil, plain)
			if !ok {
				continue
			}
			n := len(plain)
			for _, wrong := range []int{-1, 0, 9*n + 1} {
				require.False(t, decodeAny(t, table, code, wrong), "%s: %d is not %d", name, wrong, n)
			}
			require.Panics(t, func() { table.AppendPlain(nil, code, 1<<60) })
			require.False(t, decodeAny(t, table, nil, n), name)
			for _, near := range []int{n - 9, n - 1, n + 1, n + 9} { // an alphabet may take it for another split
				require.False(t, decodeAny(t, table, code, near) && table.symbols != nil, name)
			}
			for _, cut := range []int{1, len(code) / 2, len(code) - 1} {
				require.False(t, decodeAny(t, table, code[:cut], n) && cut < len(code) && table.symbols != nil, name)
			}
		}
		for range 2000 {
			decodeAny(t, table, random(r, r.IntN(30)), r.IntN(60))
		}
	}
}

func TestTable_allocatesNothing(t *testing.T) {
	for name, table := range tables(t) {
		for _, k := range kinds() {
			plain := k.strings(9, 100)[0]
			room, again := make([]byte, 0, len(plain)), make([]byte, 0, len(plain))
			require.Zero(t, testing.AllocsPerRun(10, func() {
				if code, ok := table.Append(room, plain); ok {
					table.AppendPlain(again, code, len(plain))
				}
			}), name)
		}
	}
}

func TestTrain_ratio(t *testing.T) {
	for _, k := range kinds() {
		table := Train(k.strings(1, SampleBytesMax))
		if k.below == 0 {
			require.Nil(t, table, k.name)
			continue
		}
		require.NotNil(t, table, k.name)
		others := k.strings(2, 64<<10)
		total := len(bytes.Join(others, nil))
		ratio := float64(table.Size(others)) / float64(total)
		t.Logf("%-7s %.3f of what it was; alphabet: %v", k.name, ratio, table.alphabet != nil)
		require.Less(t, ratio, k.below, k.name)
	}
}

func TestTrain_isDeterministic(t *testing.T) {
	for _, k := range kinds() {
		sample := k.strings(1, 8<<10)
		first := Train(sample)
		for range 3 {
			require.Equal(t, first, Train(sample), k.name)
		}
	}
}

func TestTrain_needsSample(t *testing.T) {
	require.Nil(t, Train(nil))
	require.Nil(t, Train([][]byte{nil, {}, bytes.Repeat([]byte("a"), SampleBytesMin-1)}))
	require.NotNil(t, Train([][]byte{nil, {}, bytes.Repeat([]byte("a"), SampleBytesMin)}))
	for n := SampleBytesMin; n <= SampleBytesMax; n *= 2 {
		r := rand.New(rand.NewPCG(8, uint64(n)))
		require.Nil(t, Train([][]byte{random(r, n)}), "there is nothing to learn in %d random bytes", n)
	}
}

// TestTrain_boundsChains has samples whose symbols would be in one chain.
func TestTrain_boundsChains(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	var sample [][]byte
	for range 400 {
		one := []byte("aaa" + from(r, "bcdefghijklm", 2))
		sample = append(sample, bytes.Repeat(one, 3))
	}
	table := Train(sample)
	require.NotNil(t, table)
	f := table.symbols.find
	for _, heads := range [][]uint8{f.long[:], f.pair[:]} {
		for _, c := range heads {
			length := 0
			for ; c != escape; c = f.next[c] {
				length++
			}
			require.LessOrEqual(t, length, chainMax)
		}
	}
}

func TestTrain_looksAtNoMoreThanTheMaximum(t *testing.T) {
	json, more := kinds()[0].strings(1, SampleBytesMax), kinds()[5].strings(1, SampleBytesMax)
	require.Equal(t, Train(json), Train(append(json, more...)))
}
