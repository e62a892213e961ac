package server

import (
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/tandemkv/tandem/command"
	"github.com/tandemkv/tandem/internal/config"
	"github.com/tandemkv/tandem/internal/resp"
	"github.com/tandemkv/tandem/keyspace"
	"github.com/tandemkv/tandem/persistence"
	"github.com/tandemkv/tandem/replication"
)

// executor is the one owner of the keyspace and of all that commands see: sessions, subscriptions, watches, waits, the
// role. Whoever works with it holds mu: a carrier for one batch, housekeeping for one slice. Everything here belongs to
// the holder, unless a comment says otherwise.
//
// A holding begins with acquire, which sets the time, and ends with release, which appends what the commands did to the log, moves
// the commit point and seals the replies.
type executor struct {
	mu sync.Mutex

	opts   *Options
	log    *slog.Logger
	table  *command.Table
	runs   []sessionHandler // by Spec.ID; nil for data commands
	engine *command.Engine
	ks     *keyspace.Keyspace

	stream  *persistence.Log
	encoder command.Encoder
	pending []byte // log bytes of this holding
	logEnd  int64  // the log's end with pending: master_repl_offset

	now     time.Time // of this holding, with the monotonic reading
	nowMs   int64
	carrier carrier // that brought this holding's batch; nil: none
	flush   []*session
	touched []*session
	held    []*session // sessions with replies that wait for the commit point

	sessions map[uint64]*session
	lastID   uint64

	gates    []gate
	promises promises
	streamDB int // a standby's stream: the database that it has selected,
	// and where it stands: between MULTI and EXEC it is behind wholeEnd, and nothing since then is applied.
	streamInMulti bool
	wholeEnd      int64
	drain         *drain
	bulletin      bulletin
	house         house

	healthy     bool // no gate has anything to ask about the node: see lookAround
	memory      memoryState
	eviction    keyspace.Eviction
	tenacity    time.Duration // of the evictions before one command
	diskError   error         // writes cannot be kept: they are refused
	noFinalSave bool

	watched   map[dbKey]map[*session]struct{}
	parking   parking
	pubsub    hub
	role      roleState
	standbys  standbys
	pauses    pause
	stats     stats
	loading   loadState
	save      saveState
	snapshots []*snapshot // that are being streamed

	shutdown chan struct{} // closed when SHUTDOWN or a signal asks for the end
	fatal    func(err error)
	server   *Server

	directives       *config.Set
	pair             Pair
	nodeID, pairName string
	startFenced      bool
	runID            string
	tellDurability   func(on bool)
	tellHealth       func(healthy bool, reason string)
}

type dbKey struct {
	db  int
	key string
}

func newExecutor(opts *Options, table *command.Table, runs []sessionHandler, log *slog.Logger) *executor {
	ks := keyspace.New(keyspace.Options{Databases: opts.Databases, Limits: opts.Limits, HashSeed: rand.Uint64()})
	x := &executor{
		opts: opts, table: table, runs: runs, log: log, ks: ks,
		sessions: make(map[uint64]*session),
		watched:  make(map[dbKey]map[*session]struct{}),
		shutdown: make(chan struct{}),
	}
	x.useKeyspace(ks)
	x.gates = gates()
	x.role.lease.base = time.Now()
	x.role.history = new(replication.History)
	x.house.toldHealthy = true
	x.house.wake = make(chan struct{}, 1)
	x.applyPolicy()
	x.encoder.Selected = -1
	x.standbys = standbys{began: time.Now(), feeds: make(map[uint64]*standbyFeed)}
	x.runID = randomID()
	x.save.wanted = make(chan struct{}, 1)
	x.save.lastAt, x.save.lastOK = time.Now(), true
	x.pubsub.init()
	x.parking.init(x)
	x.stats.init(len(table.All()))
	return x
}

// useKeyspace puts a keyspace in place: at start, and when a full copy is whole.
func (x *executor) useKeyspace(ks *keyspace.Keyspace) {
	before := keyTotals{}
	if x.ks != nil {
		before = x.totals()
	}
	old := x.ks
	x.ks = ks
	x.stats.since = keyTotals{}
	x.stats.since = x.totals().minus(before)
	if old != nil && old != ks {
		ks.TakeOver(old)
	}
	x.engine = command.NewEngine(ks, rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())))
	x.engine.BulkBytesMax = x.opts.BulkBytesMax
	x.ks.Track(x.opts.tracking())
}

// acquire takes ownership for a batch that c brought (nil: none).
func (x *executor) acquire(c carrier) {
	x.mu.Lock()
	x.carrier = c
	x.tick()
	x.stats.startClock(x.now)
}

// tick sets the time that the commands of this holding see.
func (x *executor) tick() {
	x.now = time.Now()
	x.nowMs = x.now.UnixMilli()
	x.lookAround()
}

// release gives ownership back. The sessions returned belong to the carrier of acquire and have bytes to send or an end to meet;
// the slice is valid until the carrier's next acquire.
func (x *executor) release(flush []*session) []*session {
	if len(x.parking.ready) > 0 {
		x.parking.serveReady() // what a log or expiry has changed
	}
	x.settle()
	if x.carrier != nil && x.ks.LessonDue() {
		x.wakeHouse() // the sooner it has learned, the fewer strings stay as they are
	}
	x.bulletin.post(x.role.history, x.logEnd)
	x.stats.endHolding(x.carrier != nil)
	flush = append(flush, x.flush...)
	clear(x.flush)
	x.flush = x.flush[:0]
	x.carrier = nil
	x.mu.Unlock()
	return flush
}

// settle ends the work of a holding: the log first, then the replies that depend on it.
func (x *executor) settle() {
	x.appendPending()
	for i := 0; i < len(x.touched); i++ {
		s := x.touched[i]
		s.touched = false
		x.settleSession(s)
	}
	clear(x.touched)
	x.touched = x.touched[:0]
}

func (x *executor) settleSession(s *session) {
	if len(s.w.Buf) > 0 && !s.dead && x.overLimit(s) {
		x.log.Warn("client closed: it does not read its replies", "client", s.id, "addr", s.remote, "waiting_bytes", s.outputBytes())
		x.stats.outputLimitDisconnections++
		x.kill(s, "output buffer limit")
	}
	if s.carrier != x.carrier {
		s.carrier.wake(s)
		return
	}
	x.seal(s)
	s.decideFate()
	s.again, s.resumable = s.again || s.resumable, false
	x.flush = append(x.flush, s)
}

// appendPending brings what commands did to the log. It never waits for a disk.
func (x *executor) appendPending() {
	if len(x.pending) == 0 {
		return
	}
	end := x.stream.Append(x.pending, x.nowMs)
	if end != x.logEnd {
		x.broken("the log ends at %d after an append, expected %d", end, x.logEnd)
	}
	x.pending = x.pending[:0]
	x.stream.Announce()
}

// touch notes that a session has something to seal at the end of this holding.
func (x *executor) touch(s *session) {
	if !s.touched {
		s.touched = true
		x.touched = append(x.touched, s)
	}
}

// releaseHeld looks at the sessions with held replies again: the commit point has moved.
func (x *executor) releaseHeld() {
	held := x.held
	x.held = nil
	for _, s := range held {
		s.held = false
		if !s.dead {
			x.touch(s)
		}
	}
}

// run brings one command of a session through the gates and runs or queues it. false: not now, its bytes must be kept.
func (x *executor) run(s *session, spec *command.Spec, args [][]byte) bool {
	s.lastSpec = spec
	if err := x.admit(s, spec, args); err != nil {
		if err == errPutOff {
			return false
		}
		mark := len(s.w.Buf)
		x.refuse(s, spec, err)
		s.mute(mark)
		return true
	}
	x.stats.commands++
	mark := len(s.w.Buf)
	if s.tx.open && spec.Flags&flagTransaction == 0 {
		s.tx.queue(s, spec, args)
		s.mute(mark)
		return true
	}
	x.call(s, spec, args, !s.tx.open)
	x.closeUnit(s)
	s.mute(mark)
	if len(x.parking.ready) > 0 {
		x.parking.serveReady()
	}
	return true
}

func (x *executor) refuse(s *session, spec *command.Spec, err error) {
	x.stats.refused(spec, err)
	if spec != nil && spec.Flags&flagRunsQueue != 0 {
		x.endTransaction(s)
		err = execAbort(err)
	} else if s.tx.open {
		s.tx.broken = true
	}
	s.w.Error(err.Error())
}

// call runs one admitted command now; its effects join the unit.
func (x *executor) call(s *session, spec *command.Spec, args [][]byte, canBlock bool) {
	s.spec = spec
	if spec.Handler == nil {
		mark := len(s.w.Buf)
		if err := x.runs[spec.ID](x, s, args); err != nil {
			s.w.Buf = s.w.Buf[:mark]
			s.w.Error(err.Error())
			x.stats.failed(spec, err)
		}
		x.stats.ran(spec)
		return
	}
	x.engine.Mode = x.expiryMode()
	c, err := x.engine.Do(command.Run{Spec: spec, Args: args, DB: s.db, NowMs: x.nowMs, CanBlock: canBlock, NoTouch: s.noTouch}, &s.w)
	if err != nil {
		x.stats.failed(spec, err)
	}
	x.noteChanges(s)
	if b := c.Blocked(); b != nil {
		x.parking.parkOnKeys(s, b, spec, args)
	}
	x.stats.ran(spec)
}

// closeUnit turns the effects since the last one into log bytes: one command's, or all of EXEC's.
func (x *executor) closeUnit(s *session) {
	unit := x.engine.Unit()
	if len(unit) == 0 {
		return
	}
	if x.role.logsOwnWrites() {
		x.logUnit(unit)
		if s != nil {
			s.written = x.logEnd
		}
	}
	x.engine.ResetUnit()
}

// closeApart is closeUnit for effects that have nothing to do with each other: keys that have expired.
func (x *executor) closeApart() {
	unit := x.engine.Unit()
	if x.role.logsOwnWrites() {
		for i := range unit {
			x.logUnit(unit[i : i+1])
		}
	}
	x.engine.ResetUnit()
}

// logUnit brings effects that belong together to the log.
func (x *executor) logUnit(unit []command.Effect) {
	before := len(x.pending)
	x.pending = x.encoder.Append(x.pending, unit)
	x.logEnd += int64(len(x.pending) - before)
}

// logWords appends to the log what says nothing about data, and needs no database: PING, REPLCONF GETACK.
func (x *executor) logWords(words ...string) {
	before := len(x.pending)
	x.pending = resp.AppendCommandStrings(x.pending, words...)
	x.logEnd += int64(len(x.pending) - before)
}
