package forward

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"
)

var errGivenUp = errors.New("no node to forward to within forward-timeout")

// connect gets a link with the session's memory restored. It tries until the session's deadline.
func (s *session) connect(ctx context.Context) (*link, error) {
	delivered := s.ledger.look().delivered
	if s.deadline.IsZero() || delivered != s.deliveredBefore {
		s.deadline, s.deliveredBefore = time.Now().Add(s.f.opts.ForwardTimeout), delivered
	}
	limit := time.NewTimer(time.Until(s.deadline))
	defer limit.Stop()
	for {
		target, changed := s.f.target.Now()
		addrs := s.candidates(target)
		for _, addr := range addrs {
			if slices.Contains(s.refused, addr) {
				continue
			}
			k, err := s.dial(ctx, addr)
			if err == nil {
				k.target = target
				return k, nil
			}
			if !errors.Is(err, errNotYet) {
				return nil, err
			}
		}
		var again <-chan time.Time
		if len(addrs) > 0 {
			again = time.After(s.f.opts.RetryPause)
		}
		s.refused = nil
		select {
		case <-changed:
		case <-again:
		case <-limit.C:
			return nil, errGivenUp
		case <-ctx.Done():
			return nil, errOver
		}
	}
}

// candidates are the addresses to try, best first.
func (s *session) candidates(target string) (addrs []string) {
	if target != "" {
		addrs = append(addrs, target)
	}
	if s.f.opts.Fallback != nil {
		if addr, _ := s.f.opts.Fallback.Now(); addr != "" && addr != target {
			addrs = append(addrs, addr)
		}
	}
	return addrs
}

func (s *session) dial(ctx context.Context, addr string) (*link, error) {
	o := s.f.opts
	dialCtx, cancel := context.WithTimeout(ctx, o.DialTimeout)
	conn, err := o.dial(dialCtx, addr)
	cancel()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotYet, err)
	}
	if err := restore(conn, s.ledger, o.DialTimeout); err != nil {
		conn.Close()
		return nil, err
	}
	return &link{conn: conn, addr: addr, client: s.client, ledger: s.ledger, writeT: o.ClientWriteTimeout,
		deliveredBefore: s.ledger.look().delivered, done: make(chan struct{})}, nil
}

func (o *Options) dial(ctx context.Context, addr string) (net.Conn, error) {
	if o.Dial != nil {
		return o.Dial(ctx, addr)
	}
	d := net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: o.DeadAfter, Interval: max(o.DeadAfter/5, time.Second), Count: 3},
		Control:         deadHostControl(o.DeadAfter),
	}
	return d.DialContext(ctx, "tcp", addr)
}
