package link

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tandemkv/tandem/internal/scenario"
)

var rewrite = flag.Bool("rewrite", false, "write what the scenarios gave into their files")

// TestScenarios tells stories of nodes and links. Below each line stands what it changed once all is quiet: what was done
// to a node, and how its link is.
//
//	> node a [epoch]      a node appears, with a reign of its own
//	> append a 10         its log grows by 10 commands
//	> reign a 3           it begins a reign at its end
//	> follow b a          b follows a (and no one else any more)
//	> leave b             it follows no one
//	> cut a               all links to a break
//	> gone a, back a      it is not reachable, and again
//	> retain a 100        its log keeps the last 100 bytes
//	> floor b 50          b can go back to offset 50
//	> pair b other        b belongs to another pair
//	> ticks 500           time passes
//	> same a b            do they have the same data and history
func TestScenarios(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, names)
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			file, err := scenario.Read(string(text))
			require.NoError(t, err)
			synctest.Test(t, func(t *testing.T) { play(t, file) })
			if *rewrite {
				require.NoError(t, os.WriteFile(name, []byte(file.Text()), 0o644))
				return
			}
			require.Equal(t, string(text), file.Text())
		})
	}
}

// story is the state of one scenario.
type story struct {
	t       *testing.T
	w       *network
	nodes   map[string]*node
	links   map[string]*Follower
	stops   map[string]func()
	shown   map[string]string
	written int
}

func play(t *testing.T, file *scenario.File) {
	ctx, cancel := context.WithCancel(t.Context())
	s := &story{t: t, w: newNetwork(t, ctx), nodes: map[string]*node{}, links: map[string]*Follower{}, stops: map[string]func(){}, shown: map[string]string{}}
	for i := range file.Steps {
		step := &file.Steps[i]
		require.NotEmpty(t, step.Line, "line %d", step.At)
		said := s.do(strings.Fields(step.Line))
		s.settle()
		step.Outcome = append(said, s.changes()...)
	}
	for _, stop := range s.stops {
		stop()
	}
	cancel()
	s.w.running.Wait()
}

// settle lets five seconds pass, which is more than any wait between two attempts.
func (s *story) settle() {
	<-time.After(5 * time.Second)
	synctest.Wait()
}

func (s *story) do(args []string) (said []string) {
	number := func(i int) int {
		n, err := strconv.Atoi(args[i])
		require.NoError(s.t, err, strings.Join(args, " "))
		return n
	}
	name := args[min(1, len(args)-1)]
	n := s.nodes[name]
	switch args[0] {
	case "node":
		n = newNode(name)
		if len(args) > 2 {
			n.reign(s.t, uint64(number(2)))
		}
		s.nodes[name] = n
		s.reach(name, n)
	case "append":
		n.append(commands(s.written, number(2)))
		s.written += number(2)
	case "reign":
		n.reign(s.t, uint64(number(2)))
	case "follow":
		s.leave(name)
		s.links[name], s.stops[name] = s.w.follow(n, args[2], nil)
	case "leave":
		s.leave(name)
	case "cut":
		s.cut(n)
	case "gone":
		s.reach(name, nil)
		s.cut(n)
	case "back":
		s.reach(name, n)
	case "retain", "floor", "pair":
		n.mu.Lock()
		switch args[0] {
		case "retain":
			n.logStart = int64(len(n.data) - number(2))
		case "floor":
			n.floor = int64(number(2))
		case "pair":
			n.pair = args[2]
		}
		n.mu.Unlock()
	case "ticks":
		<-time.After(time.Duration(number(1)) * 10 * time.Millisecond)
	case "same":
		other := s.nodes[args[2]]
		return []string{fmt.Sprintf("data %v, history %v", string(n.content()) == string(other.content()), fmt.Sprint(n.history) == fmt.Sprint(other.history))}
	default:
		require.Fail(s.t, "unknown line: "+strings.Join(args, " "))
	}
	return nil
}

func (s *story) reach(name string, n *node) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	s.w.nodes[name] = n
}

func (s *story) leave(name string) {
	if stop := s.stops[name]; stop != nil {
		stop()
		delete(s.stops, name)
		delete(s.links, name)
	}
}

// cut breaks the links that lead to a node.
func (s *story) cut(n *node) {
	s.w.mu.Lock()
	feeders := append([]*Feeder{}, s.w.feeders...)
	s.w.mu.Unlock()
	for _, f := range feeders {
		if f.source == Source(n) {
			f.Close("cut")
		}
	}
}

// changes lists what differs from the last time.
func (s *story) changes() (lines []string) {
	var names []string
	for name := range s.nodes {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		n := s.nodes[name]
		for _, step := range n.takeSteps() {
			lines = append(lines, name+": "+step)
		}
		line := fmt.Sprintf("%s: end %d, history %s", name, n.end(), n.Standing().History)
		if link := s.links[name]; link != nil {
			status := link.Status()
			line += fmt.Sprintf("\n%s: link to %s %s", name, status.Address, status.State)
			if status.Decision != "" {
				line += ", " + status.Decision
			}
			if status.LastError != "" {
				line += "; " + status.LastError
			}
		}
		line += s.fed(n)
		if s.shown[name] != line {
			s.shown[name] = line
			lines = append(lines, strings.Split(line, "\n")...)
		}
	}
	return lines
}

// fed lists the standbys that a node feeds.
func (s *story) fed(n *node) (lines string) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	for _, f := range s.w.feeders {
		if f.source == Source(n) && f.ctx.Err() == nil {
			info := f.Info()
			lines += fmt.Sprintf("\n%s: feeds %s, %s, sent %d, acked %d, %s", n.name, info.NodeID, info.State, info.Sent, info.Acked, info.Decision)
		}
	}
	return lines
}
