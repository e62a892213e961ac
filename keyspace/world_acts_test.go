package keyspace

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/stretchr/testify/require"
)

// act runs one random command.
func (w *world) act() {
	i := w.c.pick(len(w.dbs))
	db, key := w.ks.DB(i), w.key()
	acts := []func(int, *DB, string){
		w.actString, w.actString, w.actHash, w.actHash, w.actHash, w.actList, w.actList, w.actList,
		w.actSet, w.actSet, w.actSet, w.actZSet, w.actZSet, w.actZSet, w.actStream, w.actStream,
		w.actRemove, w.actDeadline, w.actMove, w.actCopy, w.actReplace, w.actRead, w.actSeveral, w.actTime, w.actRare,
	}
	acts[w.c.pick(len(acts))](i, db, key)
}

// own gives the model's value for a write, new if there is none; nil when the kind is wrong.
func (w *world) own(db int, key string, kind Kind, err error) *plain {
	p := w.live(db, key)
	if p == nil {
		delete(w.dbs[db], key)
		p = newPlain(kind)
	}
	if p.kind != kind {
		require.ErrorIs(w.t, err, ErrWrongType)
		return nil
	}
	require.NoError(w.t, err)
	return p
}

func (w *world) keep(db int, key string, p *plain) { w.dbs[db][key] = p }

func (w *world) actString(i int, db *DB, key string) {
	v := w.element()
	if w.c.pick(3) == 0 {
		v = likeText(w.c.pick(2), w.c.pick(1000))
	}
	if w.c.pick(2) == 0 {
		deadline := []int64{0, KeepDeadline, w.nowMs + int64(w.c.pick(50))}[w.c.pick(3)]
		p := newPlain(KindString)
		p.str, p.deadline = v, deadline
		if deadline == KeepDeadline {
			p.deadline = 0
			if old := w.live(i, key); old != nil {
				p.deadline = old.deadline
			}
		}
		db.PutString([]byte(key), []byte(v), deadline, "set")
		w.keep(i, key, p)
		return
	}
	s, err := db.EditString([]byte(key), "append")
	p := w.own(i, key, KindString, err)
	if p == nil {
		return
	}
	require.Equal(w.t, w.live(i, key) != nil, s.Exists())
	require.Equal(w.t, p.str, string(s.Value()))
	switch w.c.pick(4) {
	case 0:
		p.str += v
		require.Equal(w.t, len(p.str), s.Append([]byte(v)))
	case 1:
		off := w.c.pick(20)
		if v == "" { // no change: a missing key stays missing
			require.Equal(w.t, len(p.str), s.SetRange(off, nil))
			return
		}
		grown := make([]byte, max(len(p.str), off+len(v)))
		copy(grown, p.str)
		copy(grown[off:], v)
		require.Equal(w.t, len(grown), s.SetRange(off, []byte(v)))
		p.str = string(grown)
	case 2:
		n, ok := s.Int()
		want, err := strconv.ParseInt(p.str, 10, 64)
		require.Equal(w.t, p.str == "" && !s.Exists() || err == nil && strconv.FormatInt(want, 10) == p.str, ok)
		s.SetInt(n + 7)
		p.str = strconv.FormatInt(n+7, 10)
	default:
		s.Set([]byte(v))
		p.str = v
	}
	w.keep(i, key, p)
}

func (w *world) actStream(i int, db *DB, key string) {
	s, err := db.EditStream([]byte(key), "xadd")
	p := w.own(i, key, KindStream, err)
	if p == nil {
		return
	}
	s.Create()
	w.keep(i, key, p)
	(&streamWorld{t: w.t, c: w.c, ks: w.ks, db: db, model: p.stream}).change(s)
	require.Equal(w.t, p.stream.text(), readStream(w.t, s.Stream).text())
}

func (w *world) actHash(i int, db *DB, key string) {
	h, err := db.EditHash([]byte(key), "hset")
	p := w.own(i, key, KindHash, err)
	if p == nil {
		return
	}
	for range 1 + w.c.pick(4) {
		f, v := w.element(), w.element()
		old, had := p.hash[f]
		had = had && !w.hidden(p, f)
		got, ok := h.Get([]byte(f))
		require.Equal(w.t, had, ok)
		if had {
			require.Equal(w.t, old, string(got))
		}
		w.changeField(h, p, f, v, had)
		if len(p.hash) > 0 {
			w.keep(i, key, p)
		}
		require.Equal(w.t, len(p.hash), h.Len())
		require.Equal(w.t, len(w.visible(p).hash), h.Visible())
	}
}

func (w *world) actSet(i int, db *DB, key string) {
	s, err := db.EditSet([]byte(key), "sadd")
	p := w.own(i, key, KindSet, err)
	if p == nil {
		return
	}
	for range 1 + w.c.pick(4) {
		m := w.element()
		require.Equal(w.t, p.set[m], s.Has([]byte(m)))
		if w.c.pick(3) == 0 {
			require.Equal(w.t, p.set[m], s.Remove([]byte(m)))
			delete(p.set, m)
		} else {
			require.Equal(w.t, !p.set[m], s.Add([]byte(m)))
			p.set[m] = true
			w.keep(i, key, p)
		}
		require.Equal(w.t, len(p.set), s.Len())
	}
}

func (w *world) actZSet(i int, db *DB, key string) {
	z, err := db.EditZSet([]byte(key), "zadd")
	p := w.own(i, key, KindZSet, err)
	if p == nil {
		return
	}
	for range 1 + w.c.pick(4) {
		m, score := w.element(), w.score()
		old, had := p.zset[m]
		switch w.c.pick(6) {
		case 0, 1:
			require.Equal(w.t, had, z.Remove([]byte(m)))
			delete(p.zset, m)
		case 2:
			from, n := w.c.pick(len(p.zset)+1), w.c.pick(3)
			z.RemoveRanks(from, n)
			all := p.ranking()
			for _, r := range all[from:min(from+n, len(all))] {
				delete(p.zset, string(r.member))
			}
		default:
			created, changed := z.Put([]byte(m), score)
			require.Equal(w.t, !had, created)
			require.Equal(w.t, !had || old != score, changed)
			if changed {
				p.zset[m] = score
			}
			w.keep(i, key, p)
		}
		require.Equal(w.t, len(p.zset), z.Len())
	}
	w.checkRanks(z.ZSet, p)
}

func (w *world) checkRanks(z ZSet, p *plain) {
	all := p.ranking()
	for rank, r := range all {
		got, ok := z.Rank(r.member)
		require.True(w.t, ok)
		require.Equal(w.t, rank, got)
	}
	for _, backward := range []bool{false, true} {
		from := w.c.pick(len(all) + 1)
		var got, want []string
		z.Each(from, backward, func(m []byte, _ float64) bool {
			got = append(got, string(m))
			return len(got) < 9
		})
		for k := from; k >= 0 && k < len(all) && from < len(all) && len(want) < 9; {
			want = append(want, string(all[k].member))
			if backward {
				k--
			} else {
				k++
			}
		}
		require.Equal(w.t, want, got)
	}
	s := w.score()
	less, notMore := 0, 0
	for _, r := range all {
		if r.score < s {
			less++
		}
		if r.score <= s {
			notMore++
		}
	}
	require.Equal(w.t, less, z.CountBelow(s, false))
	require.Equal(w.t, notMore, z.CountBelow(s, true))
	w.checkLex(z, all)
}

// checkLex: counting by member bytes asks for equal scores, so there it is what the members' own order says.
func (w *world) checkLex(z ZSet, all []ranked) {
	m := w.element()
	below, notAbove := 0, 0
	for i, r := range all {
		if r.score != all[0].score {
			return
		}
		if string(r.member) < m {
			below = i + 1
		}
		if string(r.member) <= m {
			notAbove = i + 1
		}
	}
	require.Equal(w.t, below, z.CountBelowLex([]byte(m), false))
	require.Equal(w.t, notAbove, z.CountBelowLex([]byte(m), true))
}

func (w *world) actList(i int, db *DB, key string) {
	l, err := db.EditList([]byte(key), "lpush")
	p := w.own(i, key, KindList, err)
	if p == nil {
		return
	}
	for range 1 + w.c.pick(5) {
		w.listOnce(l, p)
		if len(p.list) > 0 {
			w.keep(i, key, p)
		}
		require.Equal(w.t, len(p.list), l.Len())
	}
	for _, backward := range []bool{false, true} {
		if len(p.list) == 0 {
			break
		}
		from := w.c.pick(len(p.list))
		want := slices.Clone(p.list[from:])
		if backward {
			want = slices.Clone(p.list[:from+1])
			slices.Reverse(want)
		}
		var got []string
		l.Each(from, backward, func(k int, v []byte) bool {
			require.Equal(w.t, p.list[k], string(v))
			got = append(got, string(v))
			return true
		})
		require.Equal(w.t, want, got)
	}
}

func (w *world) listOnce(l *ListEdit, p *plain) {
	v := w.element()
	n := len(p.list)
	at := w.c.pick(n + 1)
	got, ok := l.At(at)
	require.Equal(w.t, at < n, ok)
	if ok {
		require.Equal(w.t, p.list[at], string(got))
	}
	switch w.c.pick(9) {
	case 0, 1:
		l.PushHead([]byte(v))
		p.list = slices.Insert(p.list, 0, v)
	case 2, 3:
		l.PushTail([]byte(v))
		p.list = append(p.list, v)
	case 4:
		got, ok := l.PopHead()
		require.Equal(w.t, n > 0, ok)
		if ok {
			require.Equal(w.t, p.list[0], string(got))
			p.list = p.list[1:]
		}
	case 5:
		got, ok := l.PopTail()
		require.Equal(w.t, n > 0, ok)
		if ok {
			require.Equal(w.t, p.list[n-1], string(got))
			p.list = p.list[:n-1]
		}
	case 6:
		l.InsertBefore(at, []byte(v))
		p.list = slices.Insert(p.list, at, v)
	case 7:
		count := w.c.pick(8)
		l.DeleteRange(at, count)
		p.list = slices.Delete(p.list, at, min(at+count, n))
	default:
		if at < n {
			l.SetAt(at, []byte(v))
			p.list[at] = v
		}
	}
}

func (w *world) actRemove(i int, db *DB, key string) {
	require.Equal(w.t, w.live(i, key) != nil, db.Remove([]byte(key), "del"))
	delete(w.dbs[i], key)
}

func (w *world) actDeadline(i int, db *DB, key string) {
	ms := int64(0)
	if w.c.pick(4) > 0 {
		ms = w.nowMs + int64(w.c.pick(60)) - 3
	}
	p := w.live(i, key)
	require.Equal(w.t, p != nil, db.SetDeadline([]byte(key), ms, "expire"))
	if p != nil {
		p.deadline = ms
	} else {
		delete(w.dbs[i], key)
	}
}

func (w *world) actMove(i int, db *DB, key string) {
	p := w.live(i, key)
	to := w.key()
	j := w.c.pick(len(w.dbs))
	if p == nil {
		return
	}
	if w.c.pick(2) == 0 {
		db.Rename([]byte(key), []byte(to))
		j = i
	} else {
		db.MoveTo(w.ks.DB(j), []byte(key))
		to = key
	}
	delete(w.dbs[i], key)
	w.dbs[j][to] = p
}

func (w *world) actCopy(i int, db *DB, key string) {
	p := w.live(i, key)
	if p == nil {
		return
	}
	to, j := w.key(), w.c.pick(len(w.dbs))
	db.CopyTo(w.ks.DB(j), []byte(key), []byte(to))
	w.dbs[j][to] = p.clone()
}

func (w *world) actReplace(i int, db *DB, key string) {
	n := w.c.pick(10)
	var p *plain
	switch w.c.pick(4) {
	case 0:
		p = newPlain(KindHash)
		h := db.ReplaceHash([]byte(key), "hset")
		for range n {
			f, v := w.element(), w.element()
			h.Set([]byte(f), []byte(v))
			p.hash[f] = v
			if w.c.pick(3) == 0 {
				p.timed[f] = w.nowMs + 5
				require.True(w.t, h.SetDeadline([]byte(f), p.timed[f]))
			} else {
				delete(p.timed, f)
			}
		}
	case 1:
		p = newPlain(KindSet)
		s := db.ReplaceSet([]byte(key), "sunionstore")
		for range n {
			m := w.element()
			s.Add([]byte(m))
			p.set[m] = true
		}
	case 2:
		p = newPlain(KindList)
		l := db.ReplaceList([]byte(key), "sortstore")
		for range n {
			p.list = append(p.list, w.element())
			l.PushTail([]byte(p.list[len(p.list)-1]))
		}
	default:
		p = newPlain(KindZSet)
		z := db.ReplaceZSet([]byte(key), "zunionstore")
		for range n {
			m, s := w.element(), w.score()
			z.Put([]byte(m), s)
			if had, ok := p.zset[m]; !ok || had != s {
				p.zset[m] = s
			}
		}
	}
	w.keep(i, key, p)
}

func (w *world) actRead(i int, db *DB, key string) {
	p := w.live(i, key)
	got := readKey(w.t, db, key)
	require.Equal(w.t, p == nil, got == nil)
	if p != nil {
		require.Equal(w.t, w.visible(p).text(), got.text())
	} else if w.dbs[i][key] != nil {
		delete(w.dbs[i], key) // met, so End removes it
	}
}

// actSeveral uses several handles, also of one key, in one command.
func (w *world) actSeveral(i int, db *DB, key string) {
	to := w.key()
	from, to2 := w.live(i, key), w.live(i, to)
	if from != nil && from.kind != KindList || to2 != nil && to2.kind != KindList {
		return
	}
	a, err := db.EditList([]byte(key), "lpop")
	from = w.own(i, key, KindList, err)
	b, err := db.EditList([]byte(to), "rpush")
	if to == key {
		to2 = from
	} else {
		to2 = w.own(i, to, KindList, err)
	}
	v, ok := a.PopHead()
	if !ok {
		v = []byte("first")
		a.PushTail([]byte("second"))
		from.list = append(from.list, "second")
	} else {
		require.Equal(w.t, from.list[0], string(v))
		from.list = from.list[1:]
	}
	b.PushTail(bytes.Clone(v))
	to2.list = append(to2.list, string(v))
	w.keep(i, key, from)
	w.keep(i, to, to2)
	require.Equal(w.t, len(from.list), a.Len())
	require.Equal(w.t, len(to2.list), b.Len())
}

func (w *world) actTime(int, *DB, string) {
	max := 1 + w.c.pick(5)
	n, more := w.ks.CollectExpired(max)
	require.LessOrEqual(w.t, n, max)
	require.True(w.t, !more || n == max)
	m, more := w.ks.CollectExpiredFields(max)
	require.LessOrEqual(w.t, m, max)
	require.True(w.t, !more || m == max)
	w.advanceMs = int64(w.c.pick(10))
}

func (w *world) actRare(i int, db *DB, key string) {
	switch w.c.pick(12) {
	case 0:
		db.Flush()
		w.dbs[i] = plainDB{}
	case 1:
		w.ks.FlushAll()
		for j := range w.dbs {
			w.dbs[j] = plainDB{}
		}
	case 2, 3:
		j := w.c.pick(len(w.dbs))
		w.ks.SwapDB(i, j)
		w.dbs[i], w.dbs[j] = w.dbs[j], w.dbs[i]
	case 4:
		// Made and removed: nobody hears of it.
		db.PutString([]byte(key), []byte("short-lived"), 0, "set")
		require.True(w.t, db.Remove([]byte(key), "del"))
		delete(w.dbs[i], key)
	case 5:
		db.Remove([]byte(key), "del")
		db.PutString([]byte(key), []byte("again"), 0, "set")
		p := newPlain(KindString)
		p.str = "again"
		w.keep(i, key, p)
	default:
		for k, p := range w.dbs[i] {
			if p.deadline == 0 || w.nowMs <= p.deadline {
				require.NotEqual(w.t, KindNone, db.Kind([]byte(k)))
			}
		}
	}
}
