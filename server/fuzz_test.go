package server

import (
	"bytes"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// FuzzSession: no bytes from one client stop the node or another client. What would stop or stall it on purpose is left out.
func FuzzSession(f *testing.F) {
	for _, seed := range []string{
		"PING\r\n", "*1\r\n$4\r\nPING\r\n*x", "MULTI\r\nSET a 1\r\nEXEC\r\n", "SUBSCRIBE a\r\nPUBLISH a b\r\n", "HELLO 3\r\nCLIENT LIST\r\n",
		"BLPOP k 0.001\r\nPING\r\n", "WATCH a\r\nMULTI\r\nSET a 1\r\nEXEC\r\n", "CLIENT KILL SKIPME no TYPE normal\r\n", "CLIENT REPLY OFF\r\nSET a 1\r\n",
		"REPLCONF listening-port 1 capa psync2\r\nSYNC\r\n", "PSYNC ? -1\r\n", "COMMAND GETKEYS EVAL x 1 a\r\n", "CONFIG SET maxclients 20000\r\n", "RESET\r\n",
		"DEBUG RELOAD\r\n", "OBJECT ENCODING a\r\n", "SCAN 0\r\n", "WAIT 1 1\r\n", "INFO everything\r\n", "EXEC\r\nDISCARD\r\n", "SWAPDB 0 1\r\nMOVE a 1\r\n",
	} {
		f.Add([]byte(seed), uint8(7))
	}
	v := start(f)
	other := dial(f, v)
	f.Fuzz(func(t *testing.T, input []byte, piece uint8) {
		lower := strings.ToLower(string(input))
		for _, word := range []string{"shutdown", "sleep", "pause", "replicaof", "slaveof", "kill", "config", "populate", "debug"} {
			if strings.Contains(lower, word) {
				return
			}
		}
		here, there := net.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = new(bytes.Buffer).ReadFrom(here) // until the end
		}()
		v.ServeConn(there)
		require.NoError(t, here.SetWriteDeadline(time.Now().Add(patience)))
		for len(input) > 0 {
			n := min(len(input), int(piece)+1)
			if _, err := here.Write(input[:n]); err != nil {
				break // closed for a protocol error
			}
			input = input[n:]
		}
		here.Close()
		<-done
		other.t = t
		other.is("+PONG", "PING")
	})
}
