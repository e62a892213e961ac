package server

import "time"

// mark says that the replies up to a byte of the output were made when the log ended at an offset.
type mark struct {
	bytes  int // of session.w.Buf
	offset int64
}

// seal moves the replies that may be released from the session to its carrier. The one rule (the commit point): a reply goes out when
// all that the log held when it was made is as safe as the configuration promises. It holds for reads too: nobody is shown
// a value that a failover could take back.
//
// The owner calls it, on the goroutine of the session's carrier.
func (x *executor) seal(s *session) {
	if len(s.w.Buf) == 0 {
		return
	}
	free := len(s.w.Buf)
	if commit := x.commitPoint(); commit < x.logEnd {
		free = s.holdTo(commit, x.logEnd)
	} else {
		s.marks = s.marks[:0]
	}
	switch {
	case free == len(s.w.Buf) && len(s.sending) == s.sent:
		s.w.Buf, s.sending, s.sent = s.sending[:0], s.w.Buf, 0
	case free > 0:
		s.sending = append(s.sending, s.w.Buf[:free]...)
		s.w.Buf = s.w.Buf[:copy(s.w.Buf, s.w.Buf[free:])]
	}
	if len(s.w.Buf) > 0 && !s.held {
		s.held = true
		x.held = append(x.held, s)
	}
}

// holdTo marks the new replies with the log's end and gives the number of bytes that the commit point lets go.
func (s *session) holdTo(commit, end int64) (free int) {
	last := len(s.marks) - 1
	switch {
	case last >= 0 && s.marks[last].offset == end:
		s.marks[last].bytes = len(s.w.Buf)
	case last < 0 || s.marks[last].bytes < len(s.w.Buf):
		s.marks = append(s.marks, mark{len(s.w.Buf), end})
	}
	n := 0
	for n < len(s.marks) && s.marks[n].offset <= commit {
		free = s.marks[n].bytes
		n++
	}
	s.marks = s.marks[:copy(s.marks, s.marks[n:])]
	for i := range s.marks {
		s.marks[i].bytes -= free
	}
	return free
}

// overLimit tells whether a client lets more output pile up than its class may (client-output-buffer-limit). What the carrier
// has on its way counts in the carrier's own holdings only; nobody else may look at it.
func (x *executor) overLimit(s *session) bool {
	limit := &x.opts.OutputLimits.Normal
	if s.subs.any() {
		limit = &x.opts.OutputLimits.Pubsub
	}
	n := int64(s.outputBytes())
	if s.carrier == x.carrier {
		n += int64(len(s.sending) - s.sent)
	}
	if limit.HardBytes > 0 && n > limit.HardBytes {
		return true
	}
	if limit.SoftBytes == 0 || n <= limit.SoftBytes {
		s.softTime = time.Time{}
		return false
	}
	if s.softTime.IsZero() {
		s.softTime = x.now
	}
	return x.now.Sub(s.softTime) > time.Duration(limit.SoftSeconds)*time.Second
}
