package link

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// A full copy comes in one of two frames: `$<length>` and that many bytes, or `$EOF:<mark>`, bytes, and the mark again,
// for a copy whose length is not known when it begins.

const (
	copyMarkBytes = 40
	copyMarkStart = "$EOF:"
)

// FullCopy is a copy on its way into a Sink. Load reads it all and checks it; the data in service do not change before
// Commit, and Abort leaves them as they are. Either Commit or Abort is the last call.
type FullCopy interface {
	Load(r io.Reader, size int64) error // size -1: unknown
	Commit() error
	Abort()
}

// copyProgress is shared with Status.
type copyProgress struct {
	received, total atomic.Int64 // total -1: unknown
}

// copyReader gives out the bytes of one copy and nothing beyond.
type copyReader struct {
	wire     *wire
	left     int64  // of a copy with a length
	mark     []byte // of one without
	done     bool
	progress *copyProgress
}

// openCopy reads the line that begins a copy.
func openCopy(w *wire, progress *copyProgress) (r *copyReader, size int64, err error) {
	line, err := w.line()
	if err != nil {
		return nil, 0, err
	}
	if mark, ok := strings.CutPrefix(line, copyMarkStart); ok && len(mark) == copyMarkBytes {
		progress.received.Store(0)
		progress.total.Store(-1)
		return &copyReader{wire: w, mark: []byte(mark), progress: progress}, -1, nil
	}
	digits, ok := strings.CutPrefix(line, "$")
	size, err = strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || size < 0 {
		return nil, 0, fmt.Errorf("the copy begins with %q", line)
	}
	progress.received.Store(0)
	progress.total.Store(size)
	return &copyReader{wire: w, left: size, progress: progress}, size, nil
}

func (r *copyReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		n := r.available()
		if n > 0 {
			n = copy(p, r.wire.pending()[:n])
			r.wire.consume(n)
			r.left -= int64(n)
			r.progress.received.Add(int64(n))
			return n, nil
		}
		if r.done || r.mark == nil && r.left == 0 {
			r.done = true
			return 0, io.EOF
		}
		if err := r.wire.fill(); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
	}
}

// available is the number of pending bytes that surely belong to the copy. It consumes the mark behind the last one.
func (r *copyReader) available() int {
	pending := r.wire.pending()
	if r.mark == nil {
		return int(min(int64(len(pending)), r.left))
	}
	if r.done {
		return 0
	}
	at := bytes.Index(pending, r.mark)
	if at == 0 {
		r.wire.consume(len(r.mark))
		r.done = true
	}
	if at >= 0 {
		return at
	}
	return max(0, len(pending)-len(r.mark)+1)
}

// finish makes sure that nothing of the copy is left: a loader may stop at its own end, but that must be the end of
// what the master sent.
func (r *copyReader) finish() error {
	n, err := io.Copy(io.Discard, r)
	if err != nil {
		return err
	}
	if n > 0 {
		return fmt.Errorf("%d bytes of the copy are left behind its end", n)
	}
	return nil
}

// takeCopy moves a copy from the wire into the sink's data, or leaves those as they are.
func takeCopy(w *wire, progress *copyProgress, begin func() (FullCopy, error)) error {
	r, size, err := openCopy(w, progress)
	if err != nil {
		return err
	}
	target, err := begin()
	if err != nil {
		return err
	}
	if err = target.Load(r, size); err == nil {
		err = r.finish()
	}
	if err != nil {
		target.Abort()
		return err
	}
	return target.Commit()
}

// sendCopy writes a copy. A standby without EOF gets its length first, so the copy goes through a file.
func (f *Feeder) sendCopy(ctx context.Context, body io.Reader) error {
	if f.facts.EOF && !f.request.Sync {
		return f.sendMarked(body)
	}
	spool, size, err := f.spool(ctx, body)
	if err != nil {
		return err
	}
	defer closeSpool(spool)
	if err := f.wire.write(fmt.Appendf(nil, "$%d\r\n", size)); err != nil {
		return err
	}
	return f.copyOut(spool)
}

func (f *Feeder) sendMarked(body io.Reader) error {
	var random [copyMarkBytes / 2]byte
	if _, err := rand.Read(random[:]); err != nil {
		return err
	}
	mark := hex.EncodeToString(random[:])
	if err := f.wire.write([]byte(copyMarkStart + mark + "\r\n")); err != nil {
		return err
	}
	if err := f.copyOut(body); err != nil {
		return err
	}
	return f.wire.write([]byte(mark))
}

func (f *Feeder) copyOut(from io.Reader) error {
	buf := make([]byte, f.o.ChunkBytes)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if err := f.wire.write(buf[:n]); err != nil {
				return err
			}
			f.note(func(i *FeederInfo) { i.CopyBytes += int64(n) })
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the full copy broke off: %w", err)
		}
	}
}

// spool gathers the copy in a file, and tells the standby meanwhile that we are alive.
func (f *Feeder) spool(ctx context.Context, body io.Reader) (file *os.File, size int64, err error) {
	file, err = os.CreateTemp(f.o.SpoolDir, "temp-copy-*.rdb")
	if err != nil {
		return nil, 0, fmt.Errorf("the full copy needs a file for a standby that must know its length: %w", err)
	}
	// Without a name the file goes away with its handle, whatever happens to this process.
	if err = os.Remove(file.Name()); err != nil {
		closeSpool(file)
		return nil, 0, fmt.Errorf("the full copy's file: %w", err)
	}
	quiet := f.keepAlive(ctx)
	size, err = io.Copy(file, body)
	if aliveErr := quiet(); err == nil {
		err = aliveErr
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		closeSpool(file)
		return nil, 0, fmt.Errorf("the full copy broke off: %w", err)
	}
	return file, size, nil
}

func closeSpool(file *os.File) {
	_ = file.Close() // of a temporary file that has no name: nothing can be lost
}

// keepAlive writes an empty line now and then until quiet is called, which gives back the first error.
func (f *Feeder) keepAlive(ctx context.Context) (quiet func() error) {
	ctx, cancel := context.WithCancel(ctx)
	failed := make(chan error, 1)
	go func() {
		ticker := time.NewTicker(f.o.KeepAlive)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				failed <- nil
				return
			case <-ticker.C:
				if err := f.wire.write([]byte("\n")); err != nil {
					failed <- err
					return
				}
			}
		}
	}()
	return func() error {
		cancel()
		return <-failed
	}
}
