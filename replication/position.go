package replication

import "fmt"

// Position says how far a node's data reach: Offset bytes of log, the last of
// them written under the reign Epoch. Positions of one pair are comparable: a
// later reign knows more than an earlier one, within a reign the longer log does.
type Position struct {
	// Epoch is the epoch of the last entry of the node's history; 0 before the first reign.
	Epoch uint64
	// Offset is the number of log bytes since the beginning of history, >= 0.
	Offset int64
}

// Compare returns -1, 0 or +1: by epoch first, then by offset.
func (p Position) Compare(other Position) int {
	switch {
	case p.Epoch < other.Epoch:
		return -1
	case p.Epoch > other.Epoch:
		return +1
	case p.Offset < other.Offset:
		return -1
	case p.Offset > other.Offset:
		return +1
	}
	return 0
}

// Less reports whether p knows less than other.
func (p Position) Less(other Position) bool { return p.Compare(other) < 0 }

// IsZero reports whether no byte was ever written under any reign.
func (p Position) IsZero() bool { return p == Position{} }

// String is "epoch:offset", as in logs, INFO and stories.
func (p Position) String() string { return fmt.Sprintf("%d:%d", p.Epoch, p.Offset) }
