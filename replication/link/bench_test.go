package link

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tandemkv/tandem/internal/resp"
	"github.com/tandemkv/tandem/replication"
)

// endless is a Source and a Sink for measuring: a log of one chunk again and again, and data that forget.
type endless struct {
	history replication.History
	chunk   []byte
	end     atomic.Int64
	acked   atomic.Int64
	limit   int64 // the log ends here
	done    chan struct{}
	hold    atomic.Int64 // more of the log is there up to here
	more    chan struct{}
}

func (e *endless) Extent() (replication.History, replication.Range) {
	return e.history, replication.Range{End: e.limit}
}

func (e *endless) NewReader(from int64) (LogReader, error) {
	return &endlessReader{e: e, at: from}, nil
}

func (e *endless) Snapshot(context.Context) (Snapshot, error) { return Snapshot{}, io.ErrUnexpectedEOF }

type endlessReader struct {
	e  *endless
	at int64
}

func (r *endlessReader) Read(p []byte) (n int, err error) {
	left := min(r.e.hold.Load(), r.e.limit) - r.at
	for n < len(p) && left > 0 {
		c := copy(p[n:], r.e.chunk[r.at%int64(len(r.e.chunk)):])
		c = int(min(int64(c), left))
		n, left, r.at = n+c, left-int64(c), r.at+int64(c)
	}
	return n, nil
}

func (r *endlessReader) Wait(ctx context.Context) error {
	for r.at >= min(r.e.hold.Load(), r.e.limit) {
		select {
		case <-r.e.more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (r *endlessReader) Close() {}

func (e *endless) Standing() replication.Standing {
	return replication.Standing{History: e.history, End: e.end.Load()}
}
func (e *endless) Acked() (offset, synced int64)               { return e.end.Load(), -1 }
func (e *endless) AckChanged() <-chan struct{}                 { return nil }
func (e *endless) Rewind(context.Context, int64, string) error { return nil }
func (e *endless) Continue(replication.History) error          { return nil }
func (e *endless) BeginFullCopy(int64, replication.History, string) (FullCopy, error) {
	return nil, io.ErrUnexpectedEOF
}

func (e *endless) Apply(b *Batch) error {
	for i := range b.Len() {
		b.Command(i)
	}
	if e.end.Add(int64(len(b.Raw))) >= e.limit {
		close(e.done)
	}
	return nil
}

func benchCommand() []byte {
	return resp.AppendCommandStrings(nil, "SET", "key:000000012345", "value of some length, as usual in caches........")
}

func benchChunk() []byte { return bytes.Repeat(benchCommand(), 1000) }

// benchLink connects a feeder and a follower over loopback, level where the log's first chunk ends.
func benchLink(b *testing.B, limit int64, onAck func(int64)) (source, sink *endless, stop func()) {
	history := replication.History{{ID: fakeID("a", 1), Epoch: 1}}
	chunk := benchChunk()
	source = &endless{history: history, chunk: chunk, limit: limit, more: make(chan struct{}, 1)}
	sink = &endless{history: history, limit: limit, done: make(chan struct{})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan struct{})
	go func() {
		defer close(served)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		o := DefaultFeederOptions()
		o.OnAck = func(_ uint64, offset, _ int64) error {
			if onAck != nil {
				onAck(offset)
			}
			return nil
		}
		// How it ends does not matter here.
		_ = serveSession(ctx, conn, "", source.Standing, source, o, nil)
	}()
	sink.end.Store(int64(len(chunk)))
	source.hold.Store(int64(len(chunk)))
	f := NewFollower(sink, DefaultFollowerOptions(l.Addr().String()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = f.Run(ctx) // the context's end
	}()
	for !f.Status().Up {
		<-time.After(time.Millisecond)
	}
	return source, sink, func() {
		cancel()
		<-ended
		_ = l.Close()
		<-served
	}
}

// BenchmarkStream: bytes of log from a feeder to a follower that throws them away.
func BenchmarkStream(b *testing.B) {
	piece := int64(len(benchChunk()))
	b.SetBytes(piece)
	limit := int64(b.N+1) * piece // the first is there when the link comes up
	source, sink, stop := benchLink(b, limit, nil)
	b.ResetTimer()
	source.hold.Store(limit)
	signal(source.more)
	<-sink.done
	b.StopTimer()
	stop()
}

// BenchmarkAck: from the end of a small write in the log until its acknowledgement has arrived.
func BenchmarkAck(b *testing.B) {
	acked := make(chan int64, 1<<16)
	source, _, stop := benchLink(b, 1<<50, func(offset int64) { acked <- offset })
	size := int64(len(benchCommand()))
	<-acked
	b.ResetTimer()
	for range b.N {
		want := source.hold.Add(size)
		signal(source.more)
		for <-acked < want {
		}
	}
	b.StopTimer()
	stop()
}
