package replication

import (
	"fmt"
	"strconv"
	"strings"
)

// The words of the handshake. TandemCapa is our own: a master that knows it
// answers `REPLCONF capa ... tandem1` with "+OK tandem1", one that does not (Redis)
// with "+OK". After it, HistoryCommand asks for the master's Standing.
const (
	TandemCapa     = "tandem1"
	TandemCapaOK   = "OK " + TandemCapa
	HistoryCommand = "tandem-history"
)

// LinkState is the state of the link to the master, as INFO and ROLE show it.
type LinkState uint8

// The link states, in the order in which a link goes through them.
const (
	LinkNone       LinkState = iota // no master is set
	LinkConnect                     // waiting for the next attempt
	LinkConnecting                  // dialling
	LinkHandshake                   // talking
	LinkSync                        // taking a full copy
	LinkConnected                   // following the stream
)

// String is the word of Redis' ROLE command.
func (s LinkState) String() string {
	return [...]string{"none", "connect", "connecting", "handshake", "sync", "connected"}[s]
}

// stage is the place within the handshake: which reply is awaited.
type stage uint8

const (
	stagePing stage = iota
	stageAuth
	stagePort
	stageAddress
	stageCapa
	stageHistory
	stageRewind
	stagePsync
)

func (s stage) String() string {
	return [...]string{"PING", "AUTH", "REPLCONF listening-port", "REPLCONF ip-address", "REPLCONF capa",
		"REPLCONF " + HistoryCommand, "rewind", "PSYNC"}[s]
}

// PsyncReply is the master's answer to PSYNC, or what kind of failure it is.
type PsyncReply struct {
	Verdict Verdict // Continue or FullCopy; Refuse for anything else
	ID      string  // of +FULLRESYNC, and of +CONTINUE if it names one
	Offset  int64   // of +FULLRESYNC
	Reason  string  // why it is no verdict
}

// ParsePsyncReply reads the line that answers PSYNC.
func ParsePsyncReply(line string) PsyncReply {
	fields := strings.Fields(line)
	refuse := PsyncReply{Verdict: Refuse, Reason: "the master answered PSYNC with: " + line}
	if len(fields) == 0 {
		return refuse
	}
	switch fields[0] {
	case "+CONTINUE":
		reply := PsyncReply{Verdict: Continue}
		if len(fields) > 1 {
			reply.ID = fields[1]
		}
		if len(fields) > 2 || (reply.ID != "" && !ValidID(reply.ID)) {
			return refuse
		}
		return reply
	case "+FULLRESYNC":
		if len(fields) != 3 || !ValidID(fields[1]) {
			return refuse
		}
		offset, err := strconv.ParseInt(fields[2], 10, 64)
		if err != nil || offset < 0 {
			return refuse
		}
		return PsyncReply{Verdict: FullCopy, ID: fields[1], Offset: offset}
	case "-NOMASTERLINK":
		refuse.Reason = "the master has itself no link to its master"
	case "-LOADING":
		refuse.Reason = "the master is still loading its data"
	}
	return refuse
}

// PsyncLine is what a master answers according to its decision.
func PsyncLine(d Decision) string {
	if d.Verdict == Continue {
		return "+CONTINUE " + d.ID
	}
	return fmt.Sprintf("+FULLRESYNC %s %d", d.ID, d.Offset)
}

// MarshalStanding is the bulk that answers HistoryCommand: pair, end, history.
func MarshalStanding(s Standing) []byte {
	head := fmt.Sprintf("%s %d %s\n", TandemCapa, s.End, s.Pair)
	return append([]byte(head), s.History.Marshal()...)
}

// UnmarshalStanding reads what MarshalStanding wrote. Floor stays the sender's own.
func UnmarshalStanding(data []byte) (Standing, error) {
	head, rest, found := strings.Cut(string(data), "\n")
	fields := strings.SplitN(head, " ", 3)
	if !found || len(fields) != 3 || fields[0] != TandemCapa {
		return Standing{}, fmt.Errorf("%w: bad head of a standing", ErrHistory)
	}
	end, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil || end < 0 {
		return Standing{}, fmt.Errorf("%w: bad end %q of a standing", ErrHistory, fields[1])
	}
	history, err := UnmarshalHistory([]byte(rest))
	if err != nil {
		return Standing{}, err
	}
	return Standing{Pair: fields[2], History: history, End: end}, nil
}
