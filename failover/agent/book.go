package agent

import "sync"

// addressBook says where each voter is, as far as memberlist has told. An address stays when memberlist believes its
// node dead: that belief may be wrong, and a message sent for nothing costs nothing.
type addressBook struct {
	entries struct {
		sync.Mutex
		voters map[string]Voter
		// Two hints about who serves reads: a probe stands there (no entry: none has been tried), and memberlist believes it
		// alive.
		probed, member map[string]bool
	}
	// changed gets a token after each change.
	changed chan struct{}
}

func newAddressBook(own Voter) *addressBook {
	b := &addressBook{changed: make(chan struct{}, 1)}
	b.entries.voters = map[string]Voter{own.ID: own}
	b.entries.probed, b.entries.member = map[string]bool{}, map[string]bool{}
	return b
}

func (b *addressBook) set(v Voter) {
	b.entries.Lock()
	same := b.entries.voters[v.ID] == v
	b.entries.voters[v.ID] = v
	b.entries.Unlock()
	if !same {
		b.signal()
	}
}

func (b *addressBook) signal() {
	select {
	case b.changed <- struct{}{}:
	default:
	}
}

// probe notes whether a probe stands.
func (b *addressBook) probe(id string, stands bool) { b.hint(&b.entries.probed, id, stands) }

// believe notes what memberlist believes.
func (b *addressBook) believe(id string, alive bool) { b.hint(&b.entries.member, id, alive) }

func (b *addressBook) hint(hints *map[string]bool, id string, yes bool) {
	b.entries.Lock()
	same := (*hints)[id] == yes
	(*hints)[id] = yes
	b.entries.Unlock()
	if !same {
		b.signal()
	}
}

// hasFallen reports that a probe was tried there and does not stand.
func (b *addressBook) hasFallen(id string) bool {
	b.entries.Lock()
	defer b.entries.Unlock()
	stands, tried := b.entries.probed[id]
	return tried && !stands
}

// reachable reports that nothing speaks against the voter's being there.
func (b *addressBook) reachable(id string) bool {
	b.entries.Lock()
	defer b.entries.Unlock()
	return b.entries.probed[id] && b.entries.member[id]
}

// find returns the zero Voter, with its id, for one that has not been seen yet.
func (b *addressBook) find(id string) Voter {
	b.entries.Lock()
	defer b.entries.Unlock()
	v := b.entries.voters[id]
	v.ID = id
	return v
}
