package command

import (
	"strconv"

	"github.com/tandemkv/tandem/internal/resp"
)

// Effect is what a command did to the data, as a command that replays to the same result.
type Effect struct {
	DB    int
	Words [][]byte
}

// Encoder turns the effects of one unit into log bytes: SELECT where the database changes, MULTI and EXEC around
// several. It holds what the reader of the log has selected; -1 forces a SELECT (a new reader starts with its own idea).
type Encoder struct{ Selected int }

// Append writes one unit. The bytes are exactly what Redis sends to its replicas.
func (e *Encoder) Append(b []byte, unit []Effect) []byte {
	switch len(unit) {
	case 0:
		return b
	case 1:
		b = e.selectDB(b, unit[0].DB)
		return resp.AppendCommand(b, unit[0].Words...)
	}
	// Redis selects before MULTI.
	b = e.selectDB(b, unit[0].DB)
	b = append(b, "*1\r\n$5\r\nMULTI\r\n"...)
	for i := range unit {
		b = e.selectDB(b, unit[i].DB)
		b = resp.AppendCommand(b, unit[i].Words...)
	}
	return append(b, "*1\r\n$4\r\nEXEC\r\n"...)
}

func (e *Encoder) selectDB(b []byte, db int) []byte {
	if e.Selected == db {
		return b
	}
	e.Selected = db
	var scratch [20]byte
	return resp.AppendCommand(b, []byte("SELECT"), strconv.AppendInt(scratch[:0], int64(db), 10))
}
