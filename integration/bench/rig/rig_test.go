package rig

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseTicks_nameWithSpaces(t *testing.T) {
	got, err := parseTicks("42 (a b) c) S 1 2 3 4 5 6 7 8 9 10 100 23 7 8 20 0 1")
	require.NoError(t, err)
	require.Equal(t, int64(123), got)
	for _, text := range []string{"", "42 (a) S 1", "42 (a) S 1 2 3 4 5 6 7 8 9 10 x y 7"} {
		_, err := parseTicks(text)
		require.Error(t, err, text)
	}
	own, err := processCPU(os.Getpid())
	require.NoError(t, err)
	require.GreaterOrEqual(t, own, time.Duration(0))
}

func TestTable_markdown(t *testing.T) {
	table := Table{Title: "Title", Notes: []string{"a note"}}
	table.Add(Row{What: "first", Redis: "1 B", Tandem: "0.5 B"}.AtMost(0.5, 0.6, " ×"))
	table.Add(Row{What: "second thing"}.AtMost(0.61, 0.6, ""))
	require.Equal(t, "\n## Title\n\n- a note\n\n"+
		"| what         | Redis | Tandem | figure |      bar | met |\n"+
		"|--------------|------:|-------:|-------:|---------:|----:|\n"+
		"| first        |   1 B |  0.5 B | 0.50 × | ≤ 0.60 × | yes |\n"+
		"| second thing |     - |      - |   0.61 |   ≤ 0.60 |  no |\n", table.Markdown())
}

func TestLatencies_percentileIsExact(t *testing.T) {
	var l Latencies
	const n = 100_000
	for i := range n {
		l.Add(time.Duration(i*7919%n + 1)) // each of 1..n once
	}
	require.Equal(t, time.Duration(n), l.Max)
	require.Equal(t, time.Duration(n-10), l.P9999(), "ten of a hundred thousand are longer")
	require.Equal(t, time.Duration(n/2), l.Mean())
	require.Zero(t, new(Latencies).P9999())
}

// TestServer_session has redis-server stand for both sides.
func TestServer_session(t *testing.T) {
	b := &Bench{Redis: "redis-server", Tandem: "redis-server", Folder: t.TempDir()}
	s, err := b.Start(Tandem, InMemory()...)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Stop()) }()
	c, err := s.Dial()
	require.NoError(t, err)
	require.NoError(t, c.Fill(0, Pipelined+1, func(c *Client, i int) { c.Add("INCRBY", "n", "2") }))
	got, err := c.Do("GET", "n")
	require.NoError(t, err)
	require.Equal(t, "402", got)
	_, err = c.Do("LPUSH", "n", "x")
	require.ErrorContains(t, err, "WRONGTYPE")
	calls, err := c.Figure("commandstats", "cmdstat_incrby", "calls")
	require.NoError(t, err)
	require.InDelta(t, Pipelined+1, calls, 0)
	_, err = c.Figure("stats", "nosuch", "")
	require.Error(t, err)
	require.NoError(t, c.Await("replication", "role", "master", time.Minute))
	require.Error(t, c.Await("replication", "role", "slave", 0))
	p, err := s.StartProbe()
	require.NoError(t, err)
	seen, err := p.Stop()
	require.NoError(t, err)
	require.GreaterOrEqual(t, seen.Max, seen.Mean())
	bytes, err := s.SettledResident()
	require.NoError(t, err)
	require.Positive(t, bytes)

	_, err = Start("/bin/false", t.TempDir())
	require.ErrorContains(t, err, "ended before it answered")
}

func TestEngine_setsWhatKeyAndValueSay(t *testing.T) {
	e := NewEngine()
	for _, i := range []int{0, 7, 9_999_999} {
		e.Set(i)
		e.Get(i)
		require.Equal(t, "$8\r\n"+Value(i)+"\r\n", string(e.replies.Buf))
		require.Equal(t, fmt.Sprintf("key:%012d", i), Key(i))
	}
	require.Equal(t, 3, e.Keyspace.DB(0).Len())
	require.Zero(t, testing.AllocsPerRun(100, func() { e.Set(7); e.Get(7) }))
}
