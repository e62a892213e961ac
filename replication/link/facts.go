package link

import (
	"strconv"
	"strings"

	"github.com/tandemkv/tandem/internal/resp"
	"github.com/tandemkv/tandem/replication"
)

// Facts are what a standby tells by REPLCONF before PSYNC. The session keeps them; the zero value knows nothing.
type Facts struct {
	ListeningPort int    // 0: not told
	Address       string // announced, else empty: the connection's
	EOF           bool   // it can take a full copy of unknown length
	Psync2        bool   // it knows that +CONTINUE names a history
	Tandem        bool   // it is one of our own
	NodeID        string // of a Tandem node
	RDBOnly       bool   // it wants a copy and no stream (redis-cli --rdb)
}

// factBytesMax bounds what a stranger can make a session keep.
const factBytesMax = 1024

// Replconf answers REPLCONF as a session gets it, args with the command's name. ACK and GETACK need no answer here:
// once the stream runs, the Feeder reads them.
func (f *Facts) Replconf(args [][]byte, w *resp.Writer, own func() replication.Standing) {
	if len(args) >= 2 && word(args[1]) == replication.HistoryCommand {
		if len(args) > 2 {
			f.NodeID = short(args[2])
		}
		w.Bulk(replication.MarshalStanding(own()))
		return
	}
	if len(args)%2 == 0 {
		w.Error("ERR syntax error")
		return
	}
	tandem := false
	for i := 1; i+1 < len(args); i += 2 {
		name, value := word(args[i]), short(args[i+1])
		switch name {
		case "listening-port":
			port, err := strconv.Atoi(value)
			if err != nil || port < 0 || port > 65535 {
				w.Error("ERR value is not an integer or out of range")
				return
			}
			f.ListeningPort = port
		case "ip-address":
			f.Address = value
		case "capa":
			tandem = f.capa(value) || tandem
		case "rdb-only":
			f.RDBOnly = value == "1"
		case "ack", "getack", "rdb-filter-only", "version":
			if name == "ack" || name == "getack" {
				return
			}
		default:
			w.Error("ERR Unrecognized REPLCONF option: " + name)
			return
		}
	}
	if tandem {
		w.Status(replication.TandemCapaOK)
		return
	}
	w.OK()
}

// capa notes an ability; an unknown one is ignored, as in Redis.
func (f *Facts) capa(name string) (tandem bool) {
	switch strings.ToLower(name) {
	case "eof":
		f.EOF = true
	case "psync2":
		f.Psync2 = true
	case replication.TandemCapa:
		f.Tandem = true
		return true
	}
	return false
}

func word(b []byte) string { return strings.ToLower(short(b)) }

func short(b []byte) string { return string(b[:min(len(b), factBytesMax)]) }

// Request is what ended the talk: PSYNC with what it asks, or the older SYNC.
type Request struct {
	Sync bool
	Ask  replication.Ask
}

// ParseRequest reads `SYNC` or `PSYNC id offset`.
func ParseRequest(args [][]byte) (Request, bool) {
	switch {
	case len(args) == 1 && word(args[0]) == "sync":
		return Request{Sync: true, Ask: replication.FullCopyAsk()}, true
	case len(args) == 3 && word(args[0]) == "psync":
		offset, err := strconv.ParseInt(string(args[2]), 10, 64)
		return Request{Ask: replication.Ask{ID: short(args[1]), Offset: offset}}, err == nil
	}
	return Request{}, false
}
