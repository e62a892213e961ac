package keyspace

import "github.com/tandemkv/tandem/internal/slab"

// Scan visits the keys of the next piece of the index (some 10 keys) and returns the next cursor, 0 at the end.
// A key that is there from the first call to the last is visited at least once, however the index grows or shrinks.
func (db *DB) Scan(cursor uint64, fn func(key []byte, kind Kind)) (next uint64) {
	var room entry
	return db.keys.scan(cursor, func(r slab.Ref) {
		e := db.read(r, &room)
		if e.deadline != 0 && db.ks.hidden(e) {
			db.ks.meet(db, e)
			return
		}
		fn(e.key, e.kind)
	})
}
