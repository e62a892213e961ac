package keyspace

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tandemkv/tandem/internal/slab"
)

// TestOrder_frozen: what views took over stays as it was, through any changes, and every cell comes back.
func TestOrder_frozen(t *testing.T) {
	type frozen struct {
		was  order[pendingRow, byPendingID]
		want []pendingRow
	}
	r := rand.New(rand.NewPCG(3, 4))
	heap := slab.New()
	o := order[pendingRow, byPendingID]{heap: heap}
	var model []pendingRow
	var views []frozen
	shrinks := false
	for i := range 60_000 {
		if len(model) > 6000 || len(model) == 0 {
			shrinks = len(model) > 0
		}
		x := pendingRow{id: StreamID{uint64(r.IntN(20_000)), 0}, times: uint64(i)}
		at := rankIn(byPendingID{}, model, x)
		there := at < len(model) && model[at].id == x.id
		switch {
		case there && r.IntN(3) == 0:
			*o.findOwn(x) = x
			model[at] = x
		case there:
			require.True(t, o.remove(x))
			model = slices.Delete(model, at, at+1)
		case shrinks && at < len(model):
			require.Nil(t, o.findOwn(x))
			require.True(t, o.remove(model[at]))
			model = slices.Delete(model, at, at+1)
		default:
			require.False(t, o.remove(x))
			o.insert(x)
			model = slices.Insert(model, at, x)
		}
		if len(views) < 4 && r.IntN(300) == 0 {
			views = append(views, frozen{o.freeze(), slices.Clone(model)})
		}
		if len(views) > 0 && r.IntN(600) == 0 {
			n := r.IntN(len(views))
			require.Equal(t, views[n].want, itemsOf(&views[n].was))
			for _, cell := range o.thaw() {
				heap.Free(cell)
			}
			views = slices.Delete(views, n, n+1)
		}
		if i%500 == 0 && len(model) > 0 {
			require.Equal(t, model, itemsOf(&o))
			o.root.checkShape(t, o.by, true)
		}
	}
	for len(views) > 0 {
		require.Equal(t, views[0].want, itemsOf(&views[0].was))
		for _, cell := range o.thaw() {
			heap.Free(cell)
		}
		views = views[1:]
	}
	used, _ := heap.Bytes()
	require.Equal(t, o.owned(), used)
}

func itemsOf(o *order[pendingRow, byPendingID]) (items []pendingRow) {
	o.ascend(0, func(row pendingRow) bool { items = append(items, row); return true })
	return items
}
