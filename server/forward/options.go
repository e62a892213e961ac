package forward

import (
	"context"
	"net"
	"time"
)

// Target says where commands have to go now.
type Target interface {
	// Now returns the address to dial, empty while there is none, and a channel that is closed when that answer may
	// have changed.
	Now() (addr string, changed <-chan struct{})
}

// TargetFunc is a Target made of one function.
type TargetFunc func() (addr string, changed <-chan struct{})

// Now calls f.
func (f TargetFunc) Now() (string, <-chan struct{}) { return f() }

// Options of one address. Zero values mean the defaults.
type Options struct {
	// Refusals are the beginnings of replies that mean "not executed, the master is elsewhere".
	// Nil: RefusalsRW.
	Refusals []string
	// Fallback is asked when the target's node cannot be reached or refuses: the master, for the ro address. A connection
	// that has gone there stays until the target changes. Nil: there is none.
	Fallback Target
	// Repeatable reports that a command changes no data, so that its reply may be dropped and the command sent again.
	// It is asked for commands that this package does not know itself. Nil: none is.
	Repeatable func(args [][]byte) bool
	// StrangersLimited applies the limits for unauthenticated input until AUTH or HELLO AUTH has succeeded. For
	// servers with a password.
	StrangersLimited bool
	// Dial connects to a node; nil: TCP, with a watch for hosts that are dead.
	Dial func(ctx context.Context, address string) (net.Conn, error)
	// Log receives a sentence now and then. Nil: nothing is said.
	Log func(text string)

	// ConnsMax is the number of client connections; one more is told so and closed.
	ConnsMax int
	// UnansweredBytesMax is how many bytes of unanswered commands a session keeps before it stops reading.
	// One command may be larger.
	UnansweredBytesMax int
	// BulkBytesMax is proto-max-bulk-len.
	BulkBytesMax int

	// ForwardTimeout is how long a command waits for a master; then it is answered with an error.
	ForwardTimeout time.Duration
	// DialTimeout bounds one attempt to connect and to restore the memory.
	DialTimeout time.Duration
	// RetryPause lies between two attempts at the same address.
	RetryPause time.Duration
	// ChangeGrace is how long commands may stay unanswered on the old link once the target has changed.
	ChangeGrace time.Duration
	// DeadAfter is how long sent bytes may stay unacknowledged by the other host's kernel (Linux).
	DeadAfter time.Duration
	// ClientWriteTimeout is how long a client may leave its replies unread.
	ClientWriteTimeout time.Duration
	// HalfCloseGrace is how long a client that has closed its sending side still gets replies.
	HalfCloseGrace time.Duration
}

// RefusalsRW returns the refusals of the rw address: writes refused by a node that is not, or no longer, the master.
func RefusalsRW() []string {
	return append(RefusalsRO(), "-READONLY ", "-EXECABORT Transaction discarded because of: READONLY ",
		"-UNBLOCKED force unblock from blocking operation")
}

// RefusalsRO returns the refusals of the ro address: reads refused by a node that has no data to show now.
func RefusalsRO() []string {
	return []string{"-MASTERDOWN ", "-LOADING ",
		"-EXECABORT Transaction discarded because of: MASTERDOWN ", "-EXECABORT Transaction discarded because of: LOADING "}
}

func (o Options) withDefaults() Options {
	if o.Refusals == nil {
		o.Refusals = RefusalsRW()
	}
	if o.Repeatable == nil {
		o.Repeatable = func([][]byte) bool { return false }
	}
	if o.Log == nil {
		o.Log = func(string) {}
	}
	orInt(&o.ConnsMax, 10000)
	orInt(&o.UnansweredBytesMax, 64<<20)
	orDuration(&o.ForwardTimeout, 10*time.Second)
	orDuration(&o.DialTimeout, time.Second)
	orDuration(&o.RetryPause, 20*time.Millisecond)
	orDuration(&o.ChangeGrace, 2*time.Second)
	orDuration(&o.DeadAfter, 5*time.Second)
	orDuration(&o.ClientWriteTimeout, time.Minute)
	orDuration(&o.HalfCloseGrace, time.Second)
	return o
}

func orInt(field *int, value int) {
	if *field <= 0 {
		*field = value
	}
}

func orDuration(field *time.Duration, value time.Duration) {
	if *field <= 0 {
		*field = value
	}
}
