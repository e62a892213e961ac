package keyspace

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestElements_againstSlice: lists of elements that begin alike, on both sides of the limit from which they have blocks.
func TestElements_againstSlice(t *testing.T) {
	key := []byte("l")
	rapid.Check(t, func(t *rapid.T) {
		limits := DefaultLimits()
		limits.ListMaxListpackSize = rapid.SampledFrom([]int{8, 1000, -5}).Draw(t, "limit")
		ks := New(Options{Databases: 1, Limits: limits})
		db := ks.DB(0)
		var model []string
		for range rapid.IntRange(1, 80).Draw(t, "commands") {
			ks.Begin(1, ExpiryDelete)
			l := must(db.EditList(key, ""))
			v, at := alike(t, "element"), rapid.IntRange(0, len(model)).Draw(t, "at")
			switch rapid.IntRange(0, 7).Draw(t, "act") {
			case 0, 1:
				l.PushTail([]byte(v))
				model = append(model, v)
			case 2:
				l.PushHead([]byte(v))
				model = slices.Insert(model, 0, v)
			case 3:
				l.InsertBefore(at, []byte(v))
				model = slices.Insert(model, at, v)
			case 4:
				if at < len(model) {
					l.SetAt(at, []byte(v))
					model[at] = v
				}
			case 5:
				n := rapid.IntRange(0, 6).Draw(t, "n")
				l.DeleteRange(at, n)
				model = slices.Delete(model, at, min(at+n, len(model)))
			case 6:
				if got, ok := l.PopTail(); ok {
					require.Equal(t, model[len(model)-1], string(got))
					model = model[:len(model)-1]
				}
			default:
				if got, ok := l.PopHead(); ok {
					require.Equal(t, model[0], string(got))
					model = model[1:]
				}
			}
			got, ok := l.At(at)
			require.Equal(t, at < len(model), ok)
			if ok {
				require.Equal(t, model[at], string(got))
			}
			ks.End()
			p := readKey(t, db, "l")
			require.Equal(t, len(model) > 0, p != nil)
			if p == nil {
				continue
			}
			require.Equal(t, model, p.list)
			if db.Encoding(key) == "listpack" {
				size := listpackBytesEmpty
				for _, b := range model {
					size += listpackEntryBytes([]byte(b))
				}
				require.Equal(t, size, db.find(key, &entry{}).listpackBytes, "what the limit is compared with")
			}
		}
	})
}

func TestElements_whatTheyTake(t *testing.T) {
	ks := New(Options{Databases: 1})
	db := ks.DB(0)
	push := func(v string) int {
		run(ks, func() { must(db.EditList([]byte("l"), "")).PushTail([]byte(v)) })
		return len(db.find([]byte("l"), &entry{}).data)
	}
	require.Equal(t, 1+9+2, push("element-1"))
	require.Equal(t, 1+8+2*3, push("element-2"))
	require.Equal(t, 1+8+3*3+1, push("element-33"))
	require.Equal(t, 1+7+3*4+1+2, push("element"))
	require.Equal(t, 1+2*11+12+9+3, push("e"))
}
