package persistence

import (
	"sync"
	"sync/atomic"
)

// signal wakes everyone who waits for something to advance. fire costs one atomic load when nobody waits. A
// waiter arms it first and looks at its condition after that, so no advance between the two is missed.
type signal struct {
	armed atomic.Bool
	mu    sync.Mutex
	ch    chan struct{} // nil unless armed
}

func (s *signal) arm() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch == nil {
		s.ch = make(chan struct{})
		s.armed.Store(true)
	}
	return s.ch
}

func (s *signal) fire() {
	if !s.armed.Load() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch != nil {
		s.armed.Store(false)
		close(s.ch)
		s.ch = nil
	}
}
