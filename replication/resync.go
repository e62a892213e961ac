package replication

import "fmt"

// Verdict is what a decision about a link comes to.
type Verdict uint8

// The verdicts.
const (
	Continue Verdict = iota // the stream goes on at Offset
	FullCopy                // everything has to be sent, as of Offset
	Rewind                  // first go back to Offset, then ask to continue
	Refuse                  // do not join this master
)

// String is the word in logs and scenarios.
func (v Verdict) String() string {
	return [...]string{"continue", "full copy", "rewind", "refuse"}[v]
}

// Decision is a verdict with its reason in words, for INFO, logs and tests.
type Decision struct {
	Verdict Verdict
	// Offset is a number of log bytes: the stream goes on with byte Offset, the copy
	// is as of Offset, or the log is cut to Offset.
	Offset int64
	// ID is the history id to announce (by a master) or to ask for (by a standby).
	ID     string
	Reason string
}

// String is "verdict at offset id: reason".
func (d Decision) String() string {
	return fmt.Sprintf("%s at %d id %s: %s", d.Verdict, d.Offset, ShortID(d.ID), d.Reason)
}

// Ask is what PSYNC carries: the id and the first offset wanted, one more than
// the number of bytes that the standby has. "PSYNC ? -1" asks for a full copy.
type Ask struct {
	ID     string
	Offset int64
}

// FullCopyAsk is the request of a standby that has nothing to continue from.
func FullCopyAsk() Ask { return Ask{ID: "?", Offset: -1} }

// Range is the part [Start, End) of the log that a node still holds.
type Range struct{ Start, End int64 }

// Decide answers PSYNC on the master's side. A standby that feeds others answers
// in the same way from its own history.
func Decide(ask Ask, own History, log Range) Decision {
	full := Decision{Verdict: FullCopy, Offset: log.End, ID: own.Last().ID}
	have := ask.Offset - 1
	covered, known := own.coveredTo(ask.ID, log.End)
	switch {
	case ask.ID == "?":
		full.Reason = "the standby asked for a full copy"
	case ask.Offset < 1:
		full.Reason = fmt.Sprintf("the asked offset %d is none", ask.Offset)
	case !known:
		full.Reason = fmt.Sprintf("the asked history %s is not one of %s", ShortID(ask.ID), own)
	case have > covered && covered < log.End:
		full.Reason = fmt.Sprintf("the standby has %d bytes of history %s, which ended here at %d", have, ShortID(ask.ID), covered)
	case have > covered:
		full.Reason = fmt.Sprintf("the asked offset %d is beyond the log's end %d", ask.Offset, log.End)
	case have < log.Start:
		full.Reason = fmt.Sprintf("the asked offset %d is older than the log's start %d", ask.Offset, log.Start)
	default:
		return Decision{Verdict: Continue, Offset: have, ID: own.Last().ID,
			Reason: fmt.Sprintf("the log holds what follows offset %d of history %s", have, ShortID(ask.ID))}
	}
	return full
}

// Standing is what a node has to show when it meets another.
type Standing struct {
	Pair    string // empty if the node is not of our making
	History History
	End     int64
	// Floor is the oldest offset that the node can go back to (a checkpoint with
	// the log after it); more than End if it cannot go back at all.
	Floor int64
}

// Rejoin is the standby's side: what to do about its own data before it asks the
// master anything. It is called with what the master has told of itself; for a
// master that tells nothing (Redis) Pair and History are empty.
func Rejoin(own, master Standing) Decision {
	if own.End == 0 {
		return Decision{Verdict: FullCopy, ID: "?", Offset: 0, Reason: "this node has no data yet"}
	}
	entry, known := own.History.At(own.End)
	if master.Pair == "" || own.Pair != master.Pair {
		if !known {
			return Decision{Verdict: FullCopy, ID: "?", Offset: 0, Reason: "this node's data have no history"}
		}
		return Decision{Verdict: Continue, ID: entry.ID, Offset: own.End, Reason: "the master tells nothing of its history, so it decides"}
	}
	if d, refused := refuseOlder(own, master); refused {
		return d
	}
	fork, id, common := own.History.ForkPoint(own.End, master.History, master.End)
	switch {
	case !common:
		return Decision{Verdict: FullCopy, ID: "?", Offset: 0,
			Reason: fmt.Sprintf("the histories %s here and %s there have nothing in common", own.History, master.History)}
	case fork == own.End:
		return Decision{Verdict: Continue, ID: id, Offset: own.End, Reason: "all data here are part of the master's history"}
	case fork < own.Floor:
		return Decision{Verdict: FullCopy, ID: "?", Offset: 0,
			Reason: fmt.Sprintf("the histories part at %d, and this node can go back to %d only", fork, own.Floor)}
	}
	return Decision{Verdict: Rewind, ID: id, Offset: fork,
		Reason: fmt.Sprintf("the histories part at %d: %d bytes here are not the master's", fork, own.End-fork)}
}

// refuseOlder keeps data from being emptied for a master of the same pair that
// knows less about it (valkey#579): such a master has lost its disk, or comes
// from an older time.
func refuseOlder(own, master Standing) (Decision, bool) {
	here, there := own.History.PositionAt(own.End), master.History.PositionAt(master.End)
	reason := ""
	switch {
	case len(master.History) == 0 || master.End == 0:
		reason = fmt.Sprintf("the master is empty, this node is at %s", here)
	case there.Epoch < here.Epoch:
		reason = fmt.Sprintf("the master's history ends in epoch %d (at %s), this node's in epoch %d (at %s)", there.Epoch, there, here.Epoch, here)
	default:
		return Decision{}, false
	}
	return Decision{Verdict: Refuse, Offset: own.End, Reason: reason + ": its data are kept"}, true
}
