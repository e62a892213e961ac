package keyspace

import (
	"fmt"
	"maps"

	"github.com/stretchr/testify/require"
	"github.com/tandemkv/tandem/internal/slab"
)

// hidden says whether a field of the model is past its deadline.
func (w *world) hidden(p *plain, field string) bool {
	ms := p.timed[field]
	return ms != 0 && ms < w.nowMs
}

// visible is a value of the model as a reader sees it.
func (w *world) visible(p *plain) *plain {
	c := p.clone()
	maps.DeleteFunc(c.hash, func(f, _ string) bool { return w.hidden(p, f) })
	maps.DeleteFunc(c.timed, func(f string, _ int64) bool { return w.hidden(p, f) })
	return c
}

// seen is the whole model as a reader sees it.
func (w *world) seen() []plainDB {
	dbs := clonePlain(w.dbs)
	for _, db := range dbs {
		for k, p := range db {
			db[k] = w.visible(p)
		}
	}
	return dbs
}

// changeField changes a field in one of the ways that there are. had: it is to be seen.
func (w *world) changeField(h *HashEdit, p *plain, f, v string, had bool) {
	field, later := []byte(f), w.nowMs+int64(w.c.pick(20))-2
	switch w.c.pick(8) {
	case 0, 1:
		require.Equal(w.t, had, h.Delete(field))
		delete(p.hash, f)
		delete(p.timed, f)
	case 2, 3:
		require.Equal(w.t, had, h.SetDeadline(field, later))
		if had {
			p.timed[f] = later
		}
	case 4:
		require.Equal(w.t, had, h.SetDeadline(field, 0))
		if had {
			delete(p.timed, f)
		}
	case 5:
		require.Equal(w.t, !had, h.Put(field, []byte(v), KeepDeadline))
		p.hash[f] = v
		if !had {
			delete(p.timed, f)
		}
	case 6:
		require.Equal(w.t, !had, h.Put(field, []byte(v), later))
		p.hash[f], p.timed[f] = v, later
	default:
		require.Equal(w.t, !had, h.Set(field, []byte(v)))
		p.hash[f] = v
		delete(p.timed, f)
	}
	ms, ok := h.Deadline(field)
	_, there := p.hash[f]
	require.Equal(w.t, there && !w.hidden(p, f), ok)
	if ok {
		require.Equal(w.t, p.timed[f], ms)
	}
}

// dropFields takes out of the model what the keyspace removed as expired: only fields past their deadline, each hash with
// its last one.
func (w *world) dropFields() {
	for _, gone := range w.ks.ExpiredFields() {
		key := string(gone.Key)
		p := w.dbs[gone.DB][key]
		require.NotNil(w.t, p, key)
		require.NotEmpty(w.t, gone.Fields)
		for _, f := range gone.Fields {
			require.Contains(w.t, p.hash, string(f))
			require.True(w.t, w.hidden(p, string(f)), "%s: %q", key, f)
			delete(p.hash, string(f))
			delete(p.timed, string(f))
		}
		if p.empty() {
			delete(w.dbs[gone.DB], key)
		}
		w.mayChange[fmt.Sprint(gone.DB, " ", key)] = true
	}
}

// checkFieldsDue holds what hash_deadline.go promises of its orders.
func (w *world) checkFieldsDue(db *DB) {
	want := map[deadline]int{}
	db.keys.each(func(r slab.Ref) bool {
		var e entry
		db.decode(r, &e)
		if e.kind != KindHash {
			return true
		}
		rows := map[deadline]int{}
		next := int64(0)
		Hash{view: view{v: &e.value, arena: &db.ks.arena}}.EachTimed(func(f, _ []byte, ms int64) bool {
			if ms != 0 {
				rows[deadline{ms, db.keys.hash(f)}]++
				if next == 0 || ms < next {
					next = ms
				}
			}
			return true
		})
		require.Equal(w.t, next, e.fieldsDue)
		if next != 0 {
			want[deadline{next, db.keys.hash(e.key)}]++
		}
		if t, ok := e.large.(*hashTable); ok {
			requireRows(w.t, rows, &t.deadlines)
		}
		return true
	})
	requireRows(w.t, want, &db.fieldsDue)
}

func requireRows(t require.TestingT, want map[deadline]int, o *order[deadline, byTime]) {
	got := map[deadline]int{}
	o.ascend(0, func(d deadline) bool {
		got[d]++
		return true
	})
	require.Equal(t, want, got)
}
