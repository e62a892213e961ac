package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"text/tabwriter"
	"time"
)

const lookPause = 250 * time.Millisecond

// pair is a pair that runs on this machine, as children of this process.
type pair struct {
	s        streams
	server   string // path of tandem-server
	access   access
	children []*child
	told     map[string]bool // children whose end was said
	shown    string          // the last line about the pair
}

func runPair(ctx context.Context, s streams, args []string) error {
	f := newFlags(s, "pair", "[--conf folder] [--run folder]")
	confDir := f.String("conf", filepath.Join("deploy", "loopback"), "folder with a.conf, b.conf and w.conf")
	runDir := f.String("run", "run", "folder for data, logs and pid files; kept between starts")
	server := f.String("server", besideUs("tandem-server"), "path of tandem-server")
	timeout := f.Duration("timeout", time.Minute, "how long the start may take")
	if err := parse(f, args); err != nil {
		return err
	}
	all, err := members(*confDir, *runDir)
	if err != nil {
		return err
	}
	for _, m := range all {
		if err := m.free(); err != nil {
			return err
		}
	}
	p := &pair{s: s, server: *server, told: map[string]bool{}}
	if err := p.access.complete(s); err != nil {
		return err
	}
	defer p.stop()
	if err := p.start(ctx, all, *timeout); err != nil {
		if ctx.Err() != nil {
			return nil // interrupted
		}
		return err
	}
	p.introduce()
	return p.follow(ctx)
}

// besideUs is the path of a program in the folder of this one.
func besideUs(name string) string {
	self, err := os.Executable()
	if err != nil {
		return name
	}
	return filepath.Join(filepath.Dir(self), name)
}

// start returns when every member is up and there is a master.
func (p *pair) start(ctx context.Context, all []member, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	p.access.addrs = nil
	for _, m := range all {
		c, err := m.start(p.server)
		if err != nil {
			return err
		}
		p.children = append(p.children, c)
		p.say("node %s starts with pid %d, log %s", m.id, c.pid(), m.logFile())
		if addr := m.addr("port"); addr != "" {
			p.access.addrs = append(p.access.addrs, addr)
		}
	}
	bar := newBar(p.s.out, "waiting for addresses and a master", len(all)+1)
	defer bar.end()
	for i, c := range p.children {
		if err := p.await(ctx, c); err != nil {
			return err
		}
		bar.set(i + 1)
	}
	for {
		if v, err := p.access.look(ctx); err == nil && v.Master != "" {
			bar.set(len(all) + 1)
			return nil
		}
		if err := p.pause(ctx); err != nil {
			return fmt.Errorf("there is no master yet, see the logs: %w", err)
		}
	}
}

// await returns when a child accepts connections at all its addresses.
func (p *pair) await(ctx context.Context, c *child) error {
	for _, a := range c.addresses() {
		for {
			conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", a.addr)
			if err == nil {
				conn.Close()
				break
			}
			if c.ended() {
				return fmt.Errorf("node %s has ended (%s). The end of its log:\n%s", c.id, c.how(), c.tail())
			}
			if err := p.pause(ctx); err != nil {
				return fmt.Errorf("node %s does not listen at %s %s: %w", c.id, a.name, a.addr, err)
			}
		}
	}
	return nil
}

func (p *pair) pause(ctx context.Context) error {
	select {
	case <-time.After(lookPause / 5):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// introduce prints each address and what it is for.
func (p *pair) introduce() {
	t := tabwriter.NewWriter(p.s.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "\nNODE\tWHAT\tADDRESS\tFOR")
	for _, c := range p.children {
		for _, a := range c.addresses() {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", c.id, a.name, a.addr, a.purpose)
		}
	}
	// Nothing can be done about a screen that is gone.
	_ = t.Flush()
	fmt.Fprintln(p.s.out, "\nCtrl-C stops all. Nothing is restarted by itself: kill a node, and start it again with make node-a (-b, -w).")
	fmt.Fprintln(p.s.out)
}

// follow says what changes until it is told to end.
func (p *pair) follow(ctx context.Context) error {
	for {
		p.sayEnded()
		v, err := p.access.look(ctx)
		if ctx.Err() != nil {
			return nil
		}
		line := summary(v)
		if err != nil {
			line = "no data node answers"
		}
		if line != p.shown {
			p.shown = line
			p.say("%s", line)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(lookPause):
		}
	}
}

func (p *pair) sayEnded() {
	for _, c := range p.children {
		if c.ended() && !p.told[c.id] {
			p.told[c.id] = true
			p.say("node %s (pid %d) has ended: %s. Start it again with: make node-%s", c.id, c.pid(), c.how(), c.id)
		}
	}
}

// summary is one line about roles; positions and lag change all the time and are left to `tandem status`.
func summary(v view) string {
	line := fmt.Sprintf("epoch %d:", v.Epoch)
	for _, one := range v.Voters {
		line += fmt.Sprintf("  %s %s", one.ID, one.Role)
		if one.Health != "ok" && one.Role != "gone" {
			line += " (" + one.Health + ")"
		}
	}
	if len(v.InSync) > 0 {
		line += fmt.Sprintf("  in sync %v", v.InSync)
	}
	if v.Switchover != "" {
		line += "  switchover: " + v.Switchover
	}
	return line
}

// stop ends every child that still runs, all at the same time.
func (p *pair) stop() {
	var wait sync.WaitGroup
	for _, c := range p.children {
		if c.ended() {
			continue
		}
		p.say("stopping node %s (pid %d)", c.id, c.pid())
		wait.Go(func() {
			if c.stop() {
				fmt.Fprintf(p.s.err, "node %s did not end within %s and was killed\n", c.id, stopLimit)
			}
		})
	}
	wait.Wait()
}

func (p *pair) say(format string, args ...any) {
	fmt.Fprintf(p.s.out, "%s  %s\n", time.Now().Format(time.TimeOnly), fmt.Sprintf(format, args...))
}
