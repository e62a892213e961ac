package link

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tandemkv/tandem/internal/resp"
	"github.com/tandemkv/tandem/replication"
)

// script is a master that answers each command with the next line, and then says no more.
type script struct {
	answers []string
	got     []string
}

func (s *script) serve(conn net.Conn) {
	w := newWire(conn, nil, time.Second)
	reader := resp.Reader{}
	for {
		args, used, err := reader.Next(w.pending())
		if err != nil {
			return
		}
		if used == 0 {
			if w.fill() != nil {
				return
			}
			continue
		}
		if len(args) > 0 && len(s.answers) > 0 {
			s.got = append(s.got, string(bytes.Join(args, []byte(" "))))
			answer := s.answers[0]
			s.answers = s.answers[1:]
			if answer == "CLOSE" {
				_ = conn.Close()
				return
			}
			if w.write([]byte(answer)) != nil {
				return
			}
		}
		w.consume(used)
	}
}

func TestFollower_wrongAnswers(t *testing.T) {
	id := strings.Repeat("a", 40)
	greeting := []string{"+PONG\r\n", "+OK\r\n", "+OK\r\n"} // PING, listening-port, capa
	with := func(more ...string) []string { return append(append([]string{}, greeting...), more...) }
	full := "+FULLRESYNC " + id + " 7\r\n"
	mark := strings.Repeat("m", 40)
	for name, c := range map[string]struct {
		answers []string
		want    string
	}{
		"no pong":             {[]string{"-ERR what\r\n"}, "answered PING with: -ERR what"},
		"closes at once":      {[]string{"CLOSE"}, "the master closed the connection"},
		"silent":              {nil, "silent for"},
		"psync unknown":       {with("-ERR unknown command\r\n"), "answered PSYNC with: -ERR unknown command"},
		"psync loading":       {with("-LOADING\r\n"), "still loading"},
		"psync no link":       {with("-NOMASTERLINK Can't SYNC\r\n"), "no link to its master"},
		"psync nonsense":      {with("+FULLRESYNC\r\n"), "answered PSYNC with: +FULLRESYNC"},
		"psync bad id":        {with("+FULLRESYNC xyz 7\r\n"), "answered PSYNC with"},
		"psync negative":      {with("+FULLRESYNC " + id + " -7\r\n"), "answered PSYNC with"},
		"continue unasked":    {with("+CONTINUE " + id + "\r\n"), "continues what was not asked for"},
		"bulk instead":        {with("$3\r\nabc\r\n"), "silent for"},
		"huge bulk":           {with("$99999999999\r\n"), `the answer begins with "$99999999999"`},
		"endless line":        {[]string{strings.Repeat("x", 100_000)}, "longer than 64 KB"},
		"history unreadable":  {[]string{"+PONG\r\n", "+OK\r\n", "+OK tandem1\r\n", "$3\r\nabc\r\n"}, "history cannot be read"},
		"history refused":     {[]string{"+PONG\r\n", "+OK\r\n", "+OK tandem1\r\n", "-ERR no\r\n"}, "did not tell its history: -ERR no"},
		"copy refused":        {with(full + "-ERR disk full\r\n"), `the copy begins with "-ERR disk full"`},
		"copy negative":       {with(full + "$-1\r\n"), `the copy begins with "$-1"`},
		"copy short mark":     {with(full + "$EOF:abc\r\n"), `the copy begins with "$EOF:abc"`},
		"copy is no copy":     {with(full + "$3\r\nabc"), "damaged copy of 3 bytes"},
		"copy damaged, mark":  {with(full + "$EOF:" + mark + "\r\nCOPYabc" + mark), "damaged copy of 7 bytes"},
		"copy never ends":     {with(full + "$100\r\nCOPY"), "silent for"},
		"copy of wrong place": {with(full + "$8\r\nCOPYEND!"), "as of offset 7, but the own log then ends at 0"},
		"stream is garbage":   {with("+FULLRESYNC " + id + " 0\r\n$8\r\nCOPYEND!*1\r\n!oops\r\n"), "the stream is no sequence of commands"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, ended := newNode("b"), make(chan struct{})
				o := DefaultFollowerOptions("scripted")
				o.Standby.TimeoutTicks = 1000
				o.Dial = dialOnce(&script{answers: c.answers}, ended)
				failures := make(chan string, 1000)
				o.OnChange = func(s FollowerStatus) {
					if s.LastError != "" {
						failures <- s.LastError
					}
				}
				f := NewFollower(b, o)
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- f.Run(ctx) }()
				require.Contains(t, <-failures, c.want)
				require.Empty(t, b.content())
				cancel()
				require.ErrorIs(t, <-done, context.Canceled)
				<-ended
			})
		})
	}
}

// dialOnce reaches a script at the first dial, and nobody later.
func dialOnce(s *script, ended chan struct{}) func(context.Context, string) (net.Conn, error) {
	first := true
	return func(context.Context, string) (net.Conn, error) {
		if !first {
			return nil, errors.New("gone")
		}
		first = false
		near, far := net.Pipe()
		go func() {
			defer close(ended)
			s.serve(far)
			_ = far.Close()
		}()
		return near, nil
	}
}

// A follower says to a Redis what a Redis would say.
func TestFollower_handshakeWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newNode("b").reign(t, 1)
		b.append(commands(0, 1))
		s := &script{answers: []string{"-NOAUTH Authentication required.\r\n", "+OK\r\n", "+OK\r\n", "+OK\r\n", "\n\n+OK\r\n", "\n+CONTINUE\r\n", "x"}}
		o := DefaultFollowerOptions("scripted")
		o.Standby.User, o.Standby.Password, o.Standby.ListeningPort, o.Standby.AnnounceIP = "u", "p", 6380, "10.0.0.9"
		o.Dial = func(context.Context, string) (net.Conn, error) {
			near, far := net.Pipe()
			go s.serve(far)
			return near, nil
		}
		f := NewFollower(b, o)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- f.Run(ctx) }()
		synctest.Wait()
		require.True(t, f.Status().Up, f.Status().LastError)
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
		require.Equal(t, []string{
			"PING", "AUTH u p", "REPLCONF listening-port 6380", "REPLCONF ip-address 10.0.0.9", "REPLCONF capa eof capa psync2 capa tandem1",
			"PSYNC " + fakeID("b", 1) + " 31", "REPLCONF ACK 30",
		}, s.got)
	})
}

func TestFacts_replconf(t *testing.T) {
	own := func() replication.Standing { return replication.Standing{Pair: "pair", End: 5} }
	ask := func(f *Facts, line string) string {
		var w resp.Writer
		f.Replconf(bytes.Fields([]byte(line)), &w, own)
		return string(w.Buf)
	}
	var f Facts
	require.Equal(t, "+OK\r\n", ask(&f, "REPLCONF listening-port 6380 ip-address 10.0.0.1"))
	require.Equal(t, "+OK\r\n", ask(&f, "replconf CAPA eof capa PSYNC2 capa unheard-of"))
	require.Equal(t, "+OK tandem1\r\n", ask(&f, "REPLCONF capa eof capa tandem1"))
	require.Equal(t, "+OK\r\n", ask(&f, "REPLCONF rdb-only 1"))
	require.Contains(t, ask(&f, "REPLCONF tandem-history node-7"), "tandem1 5 pair\n")
	require.Equal(t, Facts{ListeningPort: 6380, Address: "10.0.0.1", EOF: true, Psync2: true, Tandem: true, NodeID: "node-7", RDBOnly: true}, f)
	require.Empty(t, ask(&f, "REPLCONF ACK 5"), "needs no answer")
	for _, line := range []string{"REPLCONF listening-port", "REPLCONF", "REPLCONF listening-port x", "REPLCONF listening-port 70000", "REPLCONF what 1"} {
		reply := ask(&f, line)
		require.True(t, strings.HasPrefix(reply, "-ERR ") || line == "REPLCONF" && reply == "+OK\r\n", "%s: %s", line, reply)
	}
}

func TestParseRequest(t *testing.T) {
	for line, want := range map[string]Request{
		"SYNC":       {Sync: true, Ask: replication.FullCopyAsk()},
		"psync ? -1": {Ask: replication.Ask{ID: "?", Offset: -1}},
		"PSYNC ab 7": {Ask: replication.Ask{ID: "ab", Offset: 7}},
	} {
		got, ok := ParseRequest(bytes.Fields([]byte(line)))
		require.True(t, ok, line)
		require.Equal(t, want, got)
	}
	for _, line := range []string{"SYNC now", "PSYNC", "PSYNC ? x", "PING"} {
		_, ok := ParseRequest(bytes.Fields([]byte(line)))
		require.False(t, ok, line)
	}
}

// client is a standby by hand, at the other end of a Feeder.
type client struct {
	*wire
	ended chan error
}

func startFeeder(t *testing.T, n *node, facts Facts, request Request, o FeederOptions) (*client, *Feeder) {
	near, far := net.Pipe()
	o.SpoolDir = t.TempDir()
	f := NewFeeder(t.Context(), far, nil, facts, request, n, o)
	c := &client{wire: newWire(near, nil, time.Second), ended: make(chan error, 1)}
	go func() { c.ended <- f.Run() }()
	return c, f
}

func (c *client) read(t *testing.T, n int) string {
	for len(c.pending()) < n {
		require.NoError(t, c.fill())
	}
	p := string(c.pending()[:n])
	c.consume(n)
	return p
}

// The old SYNC: no answer but the copy with its length, and the stream follows without any acknowledgement.
func TestFeeder_oldSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newNode("a").reign(t, 1)
		a.append(commands(0, 2))
		o := DefaultFeederOptions()
		c, f := startFeeder(t, a, Facts{EOF: true}, Request{Sync: true, Ask: replication.FullCopyAsk()}, o)
		line, err := c.line()
		require.NoError(t, err)
		require.Equal(t, "$69", line)
		require.Equal(t, "COPY"+string(a.content())+"END!", c.read(t, 69))
		<-time.After(10 * o.Timeout) // it never speaks, and is not left for that
		more := commands(2, 1)
		a.append(more)
		require.Equal(t, string(more), c.read(t, len(more)))
		require.Equal(t, replication.FeedOnline, f.Info().State)
		f.Close("shutdown")
		require.EqualError(t, <-c.ended, "shutdown")
	})
}

// A standby that knows the mark gets nothing behind it before its first acknowledgement.
func TestFeeder_waitsBehindTheMark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newNode("a").reign(t, 1)
		a.append(commands(0, 2))
		c, f := startFeeder(t, a, Facts{EOF: true, Psync2: true}, Request{Ask: replication.FullCopyAsk()}, DefaultFeederOptions())
		line, err := c.line()
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("+FULLRESYNC %s 61", fakeID("a", 1)), line)
		line, err = c.line()
		require.NoError(t, err)
		mark, ok := strings.CutPrefix(line, "$EOF:")
		require.True(t, ok)
		require.Equal(t, "COPY"+string(a.content())+"END!"+mark, c.read(t, 69+40))
		more := commands(2, 1)
		a.append(more)
		synctest.Wait()
		require.Equal(t, replication.FeedSendCopy, f.Info().State)
		require.NoError(t, c.wire.write([]byte("\n"))) // it is loading
		synctest.Wait()
		require.Equal(t, replication.FeedSendCopy, f.Info().State)
		require.NoError(t, c.wire.write([]byte("*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$2\r\n61\r\n")))
		require.Equal(t, string(more), c.read(t, len(more)))
		require.NoError(t, c.conn.Close())
		require.EqualError(t, <-c.ended, "the standby closed the connection")
	})
}

func TestFeeder_badAcknowledgements(t *testing.T) {
	for _, words := range [][]string{{"ACK", "x"}, {"ACK", "-1"}, {"ACK", "5", "FACK", "y"}} {
		synctest.Test(t, func(t *testing.T) {
			a := newNode("a").reign(t, 1)
			c, _ := startFeeder(t, a, Facts{Psync2: true}, Request{Ask: replication.Ask{ID: fakeID("a", 1), Offset: 1}}, DefaultFeederOptions())
			line, err := c.line()
			require.NoError(t, err)
			require.Equal(t, "+CONTINUE "+fakeID("a", 1), line)
			require.NoError(t, c.wire.write(resp.AppendCommandStrings(nil, append([]string{"REPLCONF"}, words...)...)))
			require.ErrorContains(t, <-c.ended, "the standby acknowledges")
		})
	}
}

// A standby that takes nothing is left after the timeout; meanwhile the feeder holds one chunk and no more.
func TestFeeder_stuckStandby(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newNode("a").reign(t, 1)
		o := DefaultFeederOptions()
		c, f := startFeeder(t, a, Facts{}, Request{Ask: replication.Ask{ID: fakeID("a", 1), Offset: 1}}, o)
		line, err := c.line()
		require.NoError(t, err)
		require.Equal(t, "+CONTINUE", line, "it does not know histories")
		a.append(commands(0, 10_000))
		before := time.Now()
		require.Error(t, <-c.ended)
		require.InDelta(t, o.Timeout.Seconds(), time.Since(before).Seconds(), 1)
		require.Less(t, f.Info().Sent, int64(o.ChunkBytes))
	})
}

// FuzzCopy: whatever comes as a copy, the reader gives out no byte that is not part of it and ends.
func FuzzCopy(f *testing.F) {
	mark := strings.Repeat("m", 40)
	f.Add([]byte("$5\r\nhelloREST"), uint8(3))
	f.Add([]byte("\n\n$EOF:"+mark+"\r\nhello"+mark+"REST"), uint8(1))
	f.Add([]byte("$EOF:"+mark+"\r\n"+strings.Repeat("m", 39)+"x"+mark), uint8(7))
	f.Fuzz(func(t *testing.T, input []byte, piece uint8) {
		w := newWire(&pieces{rest: input, size: int(piece)%64 + 1}, nil, time.Second)
		var progress copyProgress
		r, size, err := openCopy(w, &progress)
		if err != nil {
			return
		}
		p, err := io.ReadAll(r)
		require.Equal(t, int64(len(p)), progress.received.Load())
		body := input[bytes.Index(input, []byte("$")):]
		body = body[bytes.IndexByte(body, '\n')+1:]
		require.True(t, bytes.HasPrefix(body, p))
		if err != nil {
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			return
		}
		require.NoError(t, r.finish())
		if size >= 0 {
			require.Len(t, p, int(size))
		} else {
			require.Equal(t, bytes.Index(body, r.mark), len(p))
		}
	})
}

// FuzzStream: whatever comes as a stream, in whatever pieces, the batches together are its beginning, and their commands
// are the same as of the whole.
func FuzzStream(f *testing.F) {
	f.Add(commands(0, 5), uint8(7))
	f.Add([]byte("*1\r\n$4\r\nPING\r\n\nPING\r\n*0\r\n*2\r\n$1\r\na\r\n$-1\r\n"), uint8(1))
	f.Add([]byte("*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n"), uint8(2))
	f.Fuzz(func(t *testing.T, input []byte, piece uint8) {
		whole, _ := cutAll(input, len(input)+1)
		got, raw := cutAll(input, int(piece)%64+1)
		require.True(t, bytes.HasPrefix(input, raw))
		for i := range min(len(whole), len(got)) {
			require.Equal(t, whole[i], got[i])
		}
	})
}

func cutAll(input []byte, piece int) (lines []string, raw []byte) {
	w := newWire(&pieces{rest: input, size: piece}, nil, time.Second)
	reader := resp.Reader{BulkBytesMax: streamBulkMax}
	var batch Batch
	for {
		if batch.cut(&reader, w.pending()) != nil {
			return lines, raw
		}
		last := 0
		for i := range batch.Len() {
			args, end := batch.Command(i)
			lines = append(lines, fmt.Sprintf("%q", args))
			if end <= last || end > len(batch.Raw) {
				panic(fmt.Sprintf("command ends at %d of %d, behind %d", end, len(batch.Raw), last))
			}
			last = end
		}
		raw = append(raw, batch.Raw...)
		w.consume(len(batch.Raw))
		if w.fill() != nil {
			return lines, raw
		}
	}
}

// pieces is a connection that gives its bytes out a few at a time.
type pieces struct {
	net.Conn
	rest []byte
	size int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.rest[:min(p.size, len(p.rest))])
	p.rest = p.rest[n:]
	return n, nil
}

// heldConn tells when it was closed, and does not let go of what is written before.
type heldConn struct{ net.Conn }

func (heldConn) Close() error { return nil }

func TestFeeder_nothingOfALaterHistoryGoesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newNode("a").reign(t, 1)
		near, far := net.Pipe()
		f := NewFeeder(t.Context(), heldConn{far}, nil, Facts{Psync2: true}, Request{Ask: replication.Ask{ID: fakeID("a", 1), Offset: 1}}, a, DefaultFeederOptions())
		ended := make(chan error, 1)
		go func() { ended <- f.Run() }()
		c := client{wire: newWire(near, nil, time.Second)}
		_, err := c.line()
		require.NoError(t, err)
		f.Close("a new reign")
		a.append(commands(0, 1)) // the connection still stands
		synctest.Wait()
		require.Equal(t, int64(0), f.Info().Sent)
		require.NoError(t, near.Close())
		require.EqualError(t, <-ended, "a new reign")
	})
}
