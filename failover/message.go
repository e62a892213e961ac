package failover

import (
	"fmt"

	"github.com/tandemkv/tandem/replication"
)

// ProtocolVersion is the version of the messages and of the rules behind them.
// A peer of another version is rejected, and the node goes on.
const ProtocolVersion = 1

// Kind is what a message wants.
type Kind uint8

// The kinds. To add one: here, in String, in (*Node).receive, and a story.
const (
	Heartbeat      Kind = iota + 1 // master to all: I reign in Term
	HeartbeatAck                   // voter to master: I promise not to vote for another
	Ask                            // a node without master to all: would you vote for me in Term?
	Answer                         // would I, and if not why
	VoteRequest                    // candidate to all: vote for me in Term
	Vote                           // granted or not, and why
	Handover                       // master to standby: I have fenced, campaign now
	HandoverRefuse                 // standby to master: I cannot
	Goodbye                        // to all: my process ends, I serve nothing any more
	kindEnd
)

// String is the word used in stories and logs.
func (k Kind) String() string {
	names := [...]string{"?", "heartbeat", "heartbeat-ack", "ask", "answer", "vote-request", "vote", "handover", "handover-refuse", "goodbye"}
	if k >= Heartbeat && k < kindEnd {
		return names[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Release is a master's word that it has fenced and asks for no lease from
// heartbeats sent up to SentTick: promises made for those are void for the
// candidate that carries it. The zero Release releases nothing.
type Release struct {
	Master      string
	Incarnation uint64
	SentTick    int64
}

// Message is what voters say to each other. Every message carries the whole
// view of its sender, so that each one heard makes the receiver know more.
type Message struct {
	Kind     Kind
	Protocol uint16 // ProtocolVersion of the sender
	Pair     string
	From     string

	// Incarnation is the sender's; Seq numbers its messages from 1 within it. A
	// message that is not newer than the last one heard is dropped: none is seen
	// twice or out of order.
	Incarnation uint64
	Seq         uint64
	// ToIncarnation is the receiver's incarnation as the sender knows it, 0 if it
	// does not: with one's own in it, the message was sent after one's start.
	ToIncarnation uint64

	// The view of the sender.
	Role     Role
	Epoch    uint64 // of its ballot
	Reign    uint64 // the highest epoch in which it was master
	Position replication.Position
	Healthy  bool
	Doubtful bool // it may have lost acknowledged writes in a crash
	Fresh    bool // it knows of no reign, and of no vote but its own
	Master   string
	Record   Record

	// What the kind is about.
	Term     uint64 // the epoch that Heartbeat, Ask, VoteRequest, Handover and their answers speak of
	SentTick int64  // Heartbeat and VoteRequest: sender's clock; their answers return it
	Granted  bool   // Answer, Vote
	Reason   string // Answer, Vote, HandoverRefuse, Goodbye
	Sync     bool   // Ask, VoteRequest: the candidate's durability is synchronous
	Forced   bool   // Ask, VoteRequest: by order of an operator (TakeoverWanted)
	Release  Release
}

// String is one line for stories and logs: the kind's own facts, then the view.
func (m Message) String() string {
	text := fmt.Sprintf("%s term=%d", m.Kind, m.Term)
	switch m.Kind {
	case Answer, Vote:
		verdict := "no"
		if m.Granted {
			verdict = "yes"
		}
		text += fmt.Sprintf(" %s (%s)", verdict, m.Reason)
	case HandoverRefuse, Goodbye:
		text += " (" + m.Reason + ")"
	}
	if m.Forced {
		text += " forced"
	}
	if m.Release.Master != "" {
		text += fmt.Sprintf(" released-by=%s.%d@%d", m.Release.Master, m.Release.Incarnation, m.Release.SentTick)
	}
	text += fmt.Sprintf(" [%s %s.%d epoch=%d pos=%s record=%s", m.Role, m.From, m.Incarnation, m.Epoch, m.Position, m.Record)
	if m.Doubtful {
		text += " doubtful"
	}
	if !m.Healthy {
		text += " sick"
	}
	if m.Fresh {
		text += " fresh"
	}
	return text + "]"
}
