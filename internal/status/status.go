package status

// Report is the answer to TANDEM STATUS, as JSON: the pair as one node sees it.
type Report struct {
	Node       string   `json:"node"`
	Pair       string   `json:"pair"`
	Role       string   `json:"role"`
	Epoch      uint64   `json:"epoch"`
	Master     string   `json:"master"` // empty if unknown
	Policy     string   `json:"policy"`
	Durability string   `json:"durability"`
	InSync     []string `json:"in_sync"` // empty: nothing is promised
	// LeaseMS is what remains of a master's lease, -1 if it needs none; 0 on others.
	LeaseMS    int64   `json:"lease_ms"`
	Reason     string  `json:"reason"`            // why the node has its role
	Waiting    string  `json:"waiting,omitempty"` // why it does not try to become master
	Switchover string  `json:"switchover,omitempty"`
	Voters     []Voter `json:"voters"`
}

// Voter is one voter, as the answering node knows it.
type Voter struct {
	ID          string   `json:"id"`
	Witness     bool     `json:"witness"`
	Role        string   `json:"role"` // "unknown" until it was heard
	Addr        string   `json:"addr"`
	RW          string   `json:"rw"`
	RO          string   `json:"ro"`
	Gossip      string   `json:"gossip"`
	LastHeardMS int64    `json:"last_heard_ms"` // 0 for the answering node, -1 if never
	Position    Position `json:"position"`
	LagBytes    int64    `json:"lag_bytes"` // behind the master, by what the answering node has heard
	// LagSeconds is filled in by who knows it, the master's replication; -1 if nobody does.
	LagSeconds float64 `json:"lag_seconds"`
	Health     string  `json:"health"` // "ok", or what is wrong
}

// Position is a position.
type Position struct {
	Epoch  uint64 `json:"epoch"`
	Offset int64  `json:"offset"`
}
