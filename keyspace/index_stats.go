package keyspace

// IndexStats is what DEBUG HTSTATS shows of an index.
type IndexStats struct {
	Segments, Slots, Items int
	// Probes[i] is the number of items that a search finds in its step i+1.
	Probes []int
}

func (x *index) stats() IndexStats {
	st := IndexStats{Segments: x.segments, Items: x.count}
	for at := 0; at < len(x.dir); {
		s := x.dir[at]
		st.Slots += len(s.slots)
		for i, slot := range s.slots {
			if slot == 0 {
				continue
			}
			steps := s.distance(s.home(slot), i)
			for len(st.Probes) <= steps {
				st.Probes = append(st.Probes, 0)
			}
			st.Probes[steps]++
		}
		at += 1 << (x.depth - s.depth)
	}
	return st
}

// IndexStats looks at each key's slot.
func (db *DB) IndexStats() IndexStats { return db.keys.stats() }

// ValueIndexStats looks at each element's slot. exists: there is such a key; ok: its value has an index.
func (db *DB) ValueIndexStats(key []byte) (st IndexStats, exists, ok bool) {
	e := db.look(key, &db.ks.reading)
	if e == nil {
		return st, false, false
	}
	switch large := e.large.(type) {
	case *hashTable:
		return large.fields.stats(), true, true
	case *setTable:
		return large.members.stats(), true, true
	case *rankedSet:
		return large.members.stats(), true, true
	}
	return st, true, false
}
