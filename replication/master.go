package replication

import (
	"fmt"
	"slices"
)

// FeedState is the state of one standby on the master's side, with the words of
// INFO's slaveN line.
type FeedState uint8

// The feed states.
const (
	FeedWaitCopy FeedState = iota // a full copy is being prepared
	FeedSendCopy                  // a full copy is being sent
	FeedOnline                    // it follows the stream
)

// String is the word of INFO.
func (s FeedState) String() string {
	return [...]string{"wait_bgsave", "send_bulk", "online"}[s]
}

// feed is one standby's link. Invariant: 0 <= acked <= End of the log.
type feed struct {
	link  uint64 // number of the connection
	name  string // node id of a Tandem node, empty for a Redis replica
	state FeedState
	acked int64

	ackTick int64 // of its last acknowledgement
	// It owes the acknowledgement of markOffset, the log's end at markTick.
	markOffset int64
	markTick   int64
}

// FeedStatus is a snapshot of one standby for INFO, ROLE and the CLI.
type FeedStatus struct {
	Link     uint64
	Name     string
	State    FeedState
	Acked    int64
	LagBytes int64
	LagTicks int64 // since its last acknowledgement
	InSync   bool  // the commit point waits for it
}

// MasterConfig holds the limits of the in-sync set, in ticks.
type MasterConfig struct {
	Name string // own node id
	// SyncDurability is `durability standby`.
	SyncDurability bool
	// SyncTimeoutTicks is how long a standby may owe an acknowledgement before the
	// master wants to go on without it.
	SyncTimeoutTicks int64
	// JoinLagBytesMax is how far behind a standby may be when it is let in.
	JoinLagBytesMax int64
}

// Master is the bookkeeping of all standbys during one reign; a new reign begins
// with a new Master. The in-sync set goes this way: a standby that is nearly
// level is held (the commit point waits for it), then, once it has acknowledged
// the commit point, wanted (the wish for a set with it is handed to the voters).
// One that is late is no longer wanted, but held until the wish without it is
// recorded. So whoever a recorded set names is always waited for. Before a standby
// is left out, the master's own log is synced up to the commit point, which then
// stands still until the wish is recorded: what two nodes had is never left to the
// memory of one.
type Master struct {
	config MasterConfig
	feeds  []feed
	commit int64

	held     []member // nodes that the commit point waits for
	wanted   []string // the latest wish, sorted, without the own name
	wish     uint64   // number of that wish; 0: none was made
	grant    uint64   // number of the last wish known to be recorded
	durable  bool     // SetSynced has been called
	synced   int64    // the own log is on disk up to here
	unsynced bool     // a wish waits for the own disk
}

// member is a node that the commit point waits for, connected or not.
type member struct {
	name string
	// acked is what counts for the commit point; it stands still while the node is
	// being left out.
	acked int64
	// seenTick is that of its last link or acknowledgement.
	seenTick int64
	// wished: it was part of a wish that may have been recorded.
	wished bool
}

// Wish is a set for the voters to record.
type Wish struct {
	Number uint64
	Set    []string // own name included, sorted
}

// NewMaster begins a reign whose log ends at end.
func NewMaster(config MasterConfig, end int64) *Master {
	return &Master{config: config, commit: end}
}

// Attach adds a standby's link. A newer link of the same node replaces the older
// one; the driver closes that (the returned links).
func (m *Master) Attach(tick int64, link uint64, name string, state FeedState, acked int64) (replaced []uint64) {
	m.feeds = slices.DeleteFunc(m.feeds, func(f feed) bool {
		old := f.link == link || (name != "" && f.name == name)
		if old && f.link != link {
			replaced = append(replaced, f.link)
		}
		return old
	})
	m.feeds = append(m.feeds, feed{link: link, name: name, state: state, acked: acked, ackTick: tick, markTick: tick, markOffset: acked})
	if held := m.member(name); held != nil {
		held.seenTick = tick
		if leaving := held.wished && !slices.Contains(m.wanted, name); !leaving || acked < held.acked {
			held.acked = acked // it may have lost the end of its log
		}
	}
	return replaced
}

// Detach forgets a link. What it has acknowledged stays acknowledged.
func (m *Master) Detach(link uint64) {
	m.feeds = slices.DeleteFunc(m.feeds, func(f feed) bool { return f.link == link })
}

// SetState moves a link on.
func (m *Master) SetState(tick int64, link uint64, state FeedState) {
	if f := m.feed(link); f != nil {
		f.state, f.ackTick, f.markTick = state, tick, tick
	}
}

// Ack notes that the standby has the log up to offset. An error means that it
// claims more than there is: the driver closes the link.
func (m *Master) Ack(tick int64, link uint64, offset, end int64) error {
	f := m.feed(link)
	if f == nil {
		return nil
	}
	if offset > end || offset < 0 {
		return fmt.Errorf("standby %s acknowledges offset %d, the log ends at %d", f.name, offset, end)
	}
	f.state = FeedOnline // as in Redis, the first acknowledgement ends a full copy
	f.ackTick, f.acked = tick, max(f.acked, offset)
	f.mark(tick, end)
	if held := m.member(f.name); held != nil {
		held.seenTick = tick
		if !held.wished || slices.Contains(m.wanted, held.name) {
			held.acked = f.acked
		}
	}
	return nil
}

// CommitPoint is the offset up to which replies may be released. It never goes back.
func (m *Master) CommitPoint(end int64) int64 {
	point := end
	if m.config.SyncDurability {
		for _, held := range m.held {
			point = min(point, held.acked)
		}
	}
	m.commit = max(m.commit, point)
	return m.commit
}

// SetDurability switches synchronous durability. When it is switched on, nothing
// is promised before the first wish has been recorded (Promising).
func (m *Master) SetDurability(on bool) {
	m.config.SyncDurability = on
	if !on {
		m.held, m.wanted, m.wish = nil, nil, m.wish+1
	}
}

// Promising reports whether the voters know the present in-sync set.
func (m *Master) Promising() bool { return m.config.SyncDurability && m.wish == m.grant }

// SetSynced says up to where the own disk holds the log for certain. A driver
// whose log is durable calls it before each Evaluate; without it nothing is
// durable by choice, and no wish waits for the disk.
func (m *Master) SetSynced(offset int64) { m.durable, m.synced = true, offset }

// WantsSync reports whether a wish waits for the own log to be synced; the driver
// sees to it, whatever appendfsync says.
func (m *Master) WantsSync() bool { return m.unsynced }

// Evaluate looks at each standby once per tick and returns the wish for the
// voters, true as long as it is not known to be recorded.
func (m *Master) Evaluate(tick, end int64) (Wish, bool) {
	if !m.config.SyncDurability {
		return Wish{}, false
	}
	for i := range m.feeds {
		f := &m.feeds[i]
		f.mark(tick, end)
		if f.name != "" && m.member(f.name) == nil && !m.late(f, tick) && end-f.acked <= m.config.JoinLagBytesMax {
			m.held = append(m.held, member{name: f.name, acked: f.acked, seenTick: tick})
		}
	}
	m.wantSet(m.fit(tick, m.CommitPoint(end)), tick)
	return Wish{Number: m.wish, Set: m.wishSet()}, m.wish != m.grant
}

// fit lists those held whom the voters may know as in sync: they have had the
// commit point, and acknowledge in time; a short absence between two links is forgiven.
func (m *Master) fit(tick, commit int64) []string {
	var fit []string
	for _, h := range m.held {
		f := m.byName(h.name)
		away := f == nil && tick-h.seenTick < m.config.SyncTimeoutTicks
		inTime := f != nil && !m.late(f, tick)
		if slices.Contains(m.wanted, h.name) && (away || inTime) || inTime && f.acked >= commit {
			fit = append(fit, h.name)
		}
	}
	slices.Sort(fit)
	return fit
}

// wantSet makes a new wish if the set differs, and drops who was held in vain.
func (m *Master) wantSet(wanted []string, tick int64) {
	leavesOut := slices.ContainsFunc(m.wanted, func(name string) bool { return !slices.Contains(wanted, name) })
	m.unsynced = leavesOut && m.durable && m.synced < m.commit
	if !m.unsynced && (m.wish == 0 || !slices.Equal(wanted, m.wanted)) {
		m.wanted, m.wish = wanted, m.wish+1
	}
	for i := range m.held {
		h := &m.held[i]
		if slices.Contains(m.wanted, h.name) {
			h.wished = true
			h.acked = m.ackedBy(h)
		}
	}
	m.held = slices.DeleteFunc(m.held, func(h member) bool {
		f := m.byName(h.name)
		return !h.wished && (f == nil || m.late(f, tick))
	})
}

// Recorded says that the wish with this number is recorded. If it is the latest,
// the commit point no longer waits for those whom it leaves out.
func (m *Master) Recorded(number uint64) {
	if number != m.wish || number == 0 {
		return
	}
	m.grant = number
	m.held = slices.DeleteFunc(m.held, func(h member) bool {
		return h.wished && !slices.Contains(m.wanted, h.name)
	})
}

// AckedBy counts the standbys that have acknowledged offset, for WAIT.
func (m *Master) AckedBy(offset int64) int {
	count := 0
	for _, f := range m.feeds {
		if f.state == FeedOnline && f.acked >= offset {
			count++
		}
	}
	return count
}

// Level reports whether the named node has acknowledged everything up to end.
func (m *Master) Level(name string, end int64) bool {
	f := m.byName(name)
	return f != nil && f.state == FeedOnline && f.acked >= end
}

// Status is a snapshot of all standbys, in the order of their arrival.
func (m *Master) Status(tick, end int64) []FeedStatus {
	var list []FeedStatus
	for _, f := range m.feeds {
		list = append(list, FeedStatus{Link: f.link, Name: f.name, State: f.state, Acked: f.acked,
			LagBytes: end - f.acked, LagTicks: tick - f.ackTick, InSync: f.name != "" && m.member(f.name) != nil})
	}
	return list
}

// mark starts a new debt once the old one is paid.
func (f *feed) mark(tick, end int64) {
	if f.acked >= f.markOffset {
		f.markTick, f.markOffset = tick, end
	}
}

// late reports whether the standby owes an acknowledgement for too long.
func (m *Master) late(f *feed, tick int64) bool {
	return f.state != FeedOnline || tick-f.markTick >= m.config.SyncTimeoutTicks
}

// ackedBy is what the node's link has acknowledged, or what it had when last seen.
func (m *Master) ackedBy(h *member) int64 {
	if f := m.byName(h.name); f != nil {
		return f.acked
	}
	return h.acked
}

func (m *Master) wishSet() []string {
	set := append([]string{m.config.Name}, m.wanted...)
	slices.Sort(set)
	return set
}

func (m *Master) feed(link uint64) *feed {
	for i := range m.feeds {
		if m.feeds[i].link == link {
			return &m.feeds[i]
		}
	}
	return nil
}

func (m *Master) byName(name string) *feed {
	for i := range m.feeds {
		if m.feeds[i].name == name {
			return &m.feeds[i]
		}
	}
	return nil
}

func (m *Master) member(name string) *member {
	for i := range m.held {
		if m.held[i].name == name && name != "" {
			return &m.held[i]
		}
	}
	return nil
}

// Held lists the nodes that the commit point waits for.
func (m *Master) Held() []string {
	var names []string
	for _, h := range m.held {
		names = append(names, h.name)
	}
	return names
}
