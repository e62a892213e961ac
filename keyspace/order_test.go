package keyspace

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tandemkv/tandem/internal/slab"
)

// numbered is an item without pointers.
type numbered struct {
	member int
	score  float64
}

type byNumber struct{}

func (byNumber) before(a, b numbered) bool {
	return cmp.Or(cmp.Compare(a.score, b.score), cmp.Compare(a.member, b.member)) < 0
}

// checkShape holds invariant 9 and gives the size and depth.
func (n *orderNode[T, C]) checkShape(t *testing.T, by C, root bool) (size, depth int) {
	if n.kids == nil {
		require.NotEmpty(t, n.items)
		require.LessOrEqual(t, len(n.items), orderItemsMax)
		return len(n.items), 1
	}
	require.LessOrEqual(t, len(n.kids), orderKidsMax)
	require.Len(t, n.lows, len(n.kids))
	require.Len(t, n.sizes, len(n.kids))
	if root {
		require.Greater(t, len(n.kids), 1)
	}
	for i, kid := range n.kids {
		kidSize, kidDepth := kid.checkShape(t, by, false)
		require.Equal(t, n.sizes[i], kidSize)
		require.True(t, i == 0 || depth == kidDepth)
		size, depth = size+kidSize, kidDepth
		if i > 0 {
			low := kid.low()
			require.False(t, by.before(low, n.lows[i]) || by.before(n.lows[i], low), "a separator is an item that is there")
			kid.ascend(0, func(x T) bool { require.False(t, by.before(x, n.lows[i])); return true })
			n.kids[i-1].ascend(0, func(x T) bool { require.True(t, by.before(x, n.lows[i])); return true })
			if kid.kids == nil {
				require.Greater(t, len(kid.items)+len(n.kids[i-1].items), orderItemsMax/3, "two nearly empty neighbours")
			}
		}
	}
	return size, depth + 1
}

func TestOrder_againstSortedSlice(t *testing.T) {
	for _, way := range []string{"random", "rising", "falling", "equal"} {
		r := rand.New(rand.NewPCG(5, 6))
		o := order[numbered, byNumber]{heap: slab.New()}
		var model []numbered
		draw := func(i int) numbered {
			x := numbered{member: r.IntN(100000), score: float64(r.IntN(500))}
			switch way {
			case "rising":
				x.score = float64(i)
			case "falling":
				x.score = float64(-i)
			case "equal":
				x.score = 1
			}
			return x
		}
		for phase := range 4 {
			for i := range 6000 {
				if x := draw(i + 6000*phase); r.IntN(10) < 7-3*(phase%2) {
					at := rankIn(byNumber{}, model, x)
					if at < len(model) && !o.by.before(x, model[at]) {
						continue
					}
					require.Equal(t, at, o.rank(x))
					o.insert(x)
					model = slices.Insert(model, at, x)
				} else if len(model) > 0 {
					at := r.IntN(len(model))
					require.False(t, o.remove(numbered{-1, 0.5}))
					require.True(t, o.remove(model[at]))
					model = slices.Delete(model, at, at+1)
				}
			}
			compareOrder(t, r, &o, model)
		}
		for len(model) > 0 {
			at := r.IntN(len(model))
			require.True(t, o.remove(model[at]))
			model = slices.Delete(model, at, at+1)
			if len(model) == 200 {
				compareOrder(t, r, &o, model)
			}
		}
		require.Nil(t, o.root)
		used, _ := o.heap.Bytes()
		require.Zero(t, used)
	}
}

func compareOrder(t *testing.T, r *rand.Rand, o *order[numbered, byNumber], model []numbered) {
	size, _ := o.root.checkShape(t, o.by, true)
	require.Equal(t, len(model), size)
	require.Equal(t, len(model), o.len())
	for range 200 {
		k := r.IntN(len(model))
		require.Equal(t, model[k], o.at(k))
		require.Equal(t, k, o.rank(model[k]))
		bound := float64(r.IntN(520) - 10)
		want := 0
		for _, x := range model {
			if x.score < bound {
				want++
			}
		}
		require.Equal(t, want, o.countWhere(func(x numbered) bool { return x.score < bound }))
		var up, down []numbered
		o.ascend(k, func(x numbered) bool { up = append(up, x); return len(up) < 300 })
		require.Equal(t, model[k:min(k+300, len(model))], up)
		o.descend(k, func(x numbered) bool { down = append(down, x); return len(down) < 300 })
		slices.Reverse(down)
		require.Equal(t, model[max(k-299, 0):k+1], down)
	}
}

// TestOrder_joinsInnerNodes: a tree of three levels shrinks under a mixture of removals and insertions.
func TestOrder_joinsInnerNodes(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	o := order[numbered, byNumber]{heap: slab.New()}
	present := map[int]bool{}
	item := func(n int) numbered { return numbered{score: float64(n)} }
	for len(present) < 40000 {
		if n := r.IntN(1 << 20); !present[n] {
			present[n] = true
			o.insert(item(n))
		}
	}
	_, depth := o.root.checkShape(t, o.by, true)
	require.Equal(t, 3, depth)
	for step := 0; len(present) > 300; step++ {
		lowest := r.IntN(1 << 20)
		rank := min(o.countWhere(func(x numbered) bool { return x.score < float64(lowest) }), o.len()-1)
		for range min(40, o.len()-rank) { // whole stretches go, so that neighbours of all levels join
			x := o.at(rank)
			require.True(t, o.remove(x))
			delete(present, int(x.score))
		}
		for range 12 {
			if n := r.IntN(1 << 20); !present[n] {
				present[n] = true
				require.False(t, o.remove(item(n)))
				o.insert(item(n))
			}
		}
		if step%100 == 0 {
			size, _ := o.root.checkShape(t, o.by, true)
			require.Equal(t, len(present), size)
		}
	}
	o.root.checkShape(t, o.by, true)
}

// TestOrder_equalItems: rows of deadlines may be equal, and are then as many as were put in.
func TestOrder_equalItems(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 9))
	o := order[deadline, byTime]{heap: slab.New()}
	var model []deadline
	for i := range 20000 {
		x := deadline{int64(r.IntN(20)), uint64(r.IntN(3))}
		at := rankIn(byTime{}, model, x)
		if there := at < len(model) && model[at] == x; i/2000%2 == 0 {
			o.insert(x)
			model = slices.Insert(model, at, x)
		} else if require.Equal(t, there, o.remove(x)); there {
			model = slices.Delete(model, at, at+1)
		}
		require.Equal(t, len(model), o.len())
		before := int64(r.IntN(21))
		require.Equal(t, rankIn(byTime{}, model, deadline{atMs: before}), o.countWhere(func(d deadline) bool { return d.atMs < before }))
		if i%500 == 0 {
			var got []deadline
			o.ascend(0, func(d deadline) bool { got = append(got, d); return true })
			require.Equal(t, len(model), len(got))
			require.True(t, slices.Equal(model, got))
		}
	}
}
