package tandemtest

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tandemkv/tandem"
)

// journal gathers what all nodes of a test log. Any goroutine may use it.
type journal struct {
	began time.Time

	mu   sync.Mutex // guards text
	text strings.Builder
}

// newJournal is shown when the test fails.
func newJournal(t testing.TB) *journal {
	j := &journal{began: time.Now()}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the journal of the nodes:\n%s", j.String())
		}
	})
	return j
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// note adds a line of this package's own.
func (j *journal) note(format string, args ...any) { j.add("test", fmt.Sprintf(format, args...)+"\n") }

func (j *journal) add(who, line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	fmt.Fprintf(&j.text, "%8.3f %s: %s", time.Since(j.began).Seconds(), who, line)
}

// of gives the log of one node.
func (j *journal) of(id string) *slog.Logger {
	return slog.New(tandem.NewLog(lines{j, id}, "debug"))
}

// lines is one node's way to the journal. io.Writer.
type lines struct {
	j  *journal
	id string
}

func (l lines) Write(p []byte) (int, error) {
	text := string(p)
	if _, rest, ok := strings.Cut(text, ":"); ok { // the process id says nothing here
		text = rest
	}
	l.j.add(l.id, text)
	return len(p), nil
}
