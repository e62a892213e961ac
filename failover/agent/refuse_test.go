package agent

import (
	"encoding/base64"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/memberlist"
	"github.com/stretchr/testify/require"
	"github.com/tandemkv/tandem/failover"
)

func key(b byte) string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(b), 32)))
}

func TestRefuse_sameIDDoesNotStart(t *testing.T) {
	c := newCluster(t, "a", "b", "w")
	c.start("a", "b", "w")
	was := c.master()
	epoch := c.agents[was].Status().Epoch
	o := c.optionsOf(was)
	o.GossipPort, o.Dir = freePort(t), t.TempDir()
	o.Join = append(o.Join, c.optionsOf(other(was)).Join...)
	_, err := Start(o, &fakeNode{})
	require.ErrorIs(t, err, ErrSameID)
	require.True(t, c.said("says it is \""+was+"\""), "the running nodes say so")
	require.Equal(t, was, c.master())
	require.Equal(t, epoch, c.agents[was].Status().Epoch, "and go on")
}

func TestRefuse_aNodeThatMovedIsTheSame(t *testing.T) {
	c := newCluster(t, "a", "b", "w")
	c.start("a", "b", "w")
	was := c.master()
	c.kill(was)
	require.Equal(t, other(was), c.master())
	moved := freePort(t)
	c.net.Lock()
	c.ports[was] = moved
	c.net.Unlock()
	c.nodes[was].with(func() { c.nodes[was].master = false })
	c.start(was)
	eventually(t, "the others learn where it is now", func() bool {
		return c.agents[other(was)].Voter(was).Gossip == c.agents[was].opts.own().Gossip
	})
	require.Equal(t, other(was), c.master())
}

func TestRefuse_encryptedPairWorks(t *testing.T) {
	c := newCluster(t, "a", "b", "w")
	c.options = func(o *Options) { o.GossipKey = key('k') }
	c.start("a", "b", "w")
	c.master()
}

// A stranger at the door: the pair says why it is refused and goes on.
func TestRefuse_strangers(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(o *Options)
		said   string
	}{
		{"another key", func(o *Options) { o.GossipKey = key('x') }, "its gossip-key differs"},
		{"no key", func(o *Options) { o.GossipKey = "" }, "its gossip-key differs"},
		{"another pair", func(o *Options) { o.Pair = "other" }, `it belongs to the pair "other"`},
		{"not a voter", func(o *Options) {
			o.ID = "c"
			o.Voters = append(o.Voters, failover.Voter{ID: "c"})
		}, "it is not one of the voters"},
		{"witness or not", func(o *Options) {
			o.Voters = []failover.Voter{{ID: "a"}, {ID: "b", Witness: true}, {ID: "w"}}
		}, "witness=true"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newCluster(t, "a", "b", "w")
			c.options = func(o *Options) { o.GossipKey = key('k') }
			c.start("a", "b", "w")
			c.master()
			c.kill("b")
			require.Equal(t, "a", c.master())
			epoch := c.agents["a"].Status().Epoch
			o := c.optionsOf("b")
			tc.change(&o)
			o.Log = nil // what counts is what the others say
			node := &fakeNode{}
			b, err := Start(o, node)
			require.NoError(t, err)
			defer func() { require.NoError(t, b.Kill()) }()
			eventually(t, tc.said, func() bool { return c.said(tc.said) })
			require.Equal(t, "a", c.master())
			require.Equal(t, epoch, c.agents["a"].Status().Epoch)
			require.False(t, node.writes())
		})
	}
}

// otherVersion is memberlist's delegate of a node that speaks another protocol.
type otherVersion struct{ memberlist.Delegate }

func (otherVersion) NodeMeta(int) []byte             { return []byte(`{"v":99,"pair":"test"}`) }
func (otherVersion) NotifyMsg([]byte)                {}
func (otherVersion) GetBroadcasts(int, int) [][]byte { return nil }
func (otherVersion) LocalState(bool) []byte          { return nil }
func (otherVersion) MergeRemoteState([]byte, bool)   {}

func TestRefuse_anotherProtocolVersion(t *testing.T) {
	c := newCluster(t, "a", "b", "w")
	c.start("a", "b", "w")
	c.master()
	c.kill("b")
	require.Equal(t, "a", c.master())

	config := memberlist.DefaultLocalConfig()
	config.Name, config.BindAddr, config.BindPort, config.Delegate = "b", "127.0.0.1", c.ports["b"], otherVersion{}
	config.Logger = log.New(io.Discard, "", 0)
	list, err := memberlist.Create(config)
	require.NoError(t, err)
	defer func() { require.NoError(t, list.Shutdown()) }()
	target := c.agents["a"].opts.own().Gossip
	_, err = list.Join([]string{target}) // the other side's refusal is not an error on this one
	require.NoError(t, err)
	eventually(t, "it is refused", func() bool { return c.said("it speaks protocol 99, this node 1") })

	c.lines.Lock()
	c.lines.text = nil
	c.lines.Unlock()
	message := failover.Message{Kind: failover.Heartbeat, Protocol: 99, Pair: "test", From: "b"}
	require.NoError(t, list.SendToAddress(memberlist.Address{Addr: target, Name: "a"}, message.Encode()))
	eventually(t, "the message is refused too", func() bool { return c.said("it speaks protocol 99") })
	require.NoError(t, list.SendToAddress(memberlist.Address{Addr: target, Name: "a"}, []byte("nonsense")))
	eventually(t, "and nonsense", func() bool { return c.said("a message of a peer is refused") })
	require.Equal(t, "a", c.master())
}

func TestRefuse_badOptions(t *testing.T) {
	for _, tc := range []struct {
		change func(o *Options)
		want   string
	}{
		{func(o *Options) { o.GossipKey = "?" }, "not base64"},
		{func(o *Options) { o.GossipKey = "YWJj" }, "gossip-key has 3 bytes"},
		{func(o *Options) { o.Join = []string{"nohost"} }, "host:port"},
		{func(o *Options) { o.GossipBind = "name" }, "not an IP address"},
		{func(o *Options) { o.ID = "z" }, "not one of the voters"},
		{func(o *Options) { o.AnnounceHost = strings.Repeat("h", 300) }, "at most 200"},
		{func(o *Options) { o.Dir = filepath.Join(o.Dir, "none") }, "no such file"},
	} {
		c := newCluster(t, "a", "b", "w")
		o := c.optionsOf("a")
		tc.change(&o)
		_, err := Start(o, &fakeNode{})
		require.ErrorContains(t, err, tc.want)
	}
}

func TestRefuse_busyPortAndSecondProcess(t *testing.T) {
	c := newCluster(t, "a", "w", "b")
	c.start("a")
	_, err := Start(c.optionsOf("a"), &fakeNode{})
	require.ErrorContains(t, err, "in use by another process")
	o := c.optionsOf("a")
	o.Dir = t.TempDir()
	_, err = Start(o, &fakeNode{})
	require.ErrorContains(t, err, "address already in use")
}

func TestBallot_survivesAndIsRefusedWhenDamaged(t *testing.T) {
	dir := t.TempDir()
	f, err := openBallot(dir)
	require.NoError(t, err)
	b, err := f.read()
	require.NoError(t, err)
	require.Zero(t, b)
	want := failover.Ballot{Incarnation: 3, Epoch: 1<<63 + 1, VotedFor: "ä\n\"", VotedSync: true, Reign: 2, Lost: true,
		Record: failover.Record{Epoch: 4, Version: 5, Set: []string{"a", "b"}}}
	require.NoError(t, f.write(want))
	got, err := f.read()
	require.NoError(t, err)
	require.Equal(t, want, got)

	data, err := os.ReadFile(f.path())
	require.NoError(t, err)
	for i := range data { // every single byte counts
		bad := append([]byte(nil), data...)
		bad[i] ^= 0x01
		require.NoError(t, os.WriteFile(f.path(), bad, 0o600))
		if _, err := f.read(); err == nil {
			t.Fatalf("byte %d (%q) changed, and nobody noticed", i, data[i])
		}
		require.NoError(t, os.WriteFile(f.path(), data[:i], 0o600))
		_, err := f.read()
		require.Error(t, err, "cut off at %d", i)
	}
	newer := strings.Replace(string(data), "tandem-ballot 1", "tandem-ballot 2", 1)
	require.NoError(t, os.WriteFile(f.path(), []byte(newer), 0o600))
	_, err = f.read()
	require.ErrorContains(t, err, "version 2, this program knows version 1")
	require.ErrorContains(t, err, "move it away")
	require.NoError(t, f.close())

	c := newCluster(t, "a", "b", "w")
	o := c.optionsOf("a")
	o.Dir = dir
	_, err = Start(o, &fakeNode{})
	require.ErrorContains(t, err, "move it away", "the agent does not start on it")
}

// FuzzVoter: whatever a member tells about itself is taken or refused, with words.
func FuzzVoter(f *testing.F) {
	f.Add([]byte(`{"v":1,"pair":"test","port":6379,"host":"h"}`), "b")
	f.Add([]byte(`{"v":1,"pair":"test","w":true}`), "w")
	f.Add([]byte(`{`), "")
	o := Options{ID: "a", Pair: "test", Voters: []failover.Voter{{ID: "a"}, {ID: "b"}, {ID: "w", Witness: true}}}
	f.Fuzz(func(t *testing.T, meta []byte, name string) {
		v, err := o.voter(&memberlist.Node{Name: name, Meta: meta})
		if err == nil && (v.ID != name || v.Witness != (name == "w")) {
			t.Fatalf("%q was taken for %+v", name, v)
		}
		if err != nil && err.Error() == "" {
			t.Fatal("refused without a word")
		}
	})
}

// FuzzBallot: no content makes reading panic, and what is accepted is written back the same.
func FuzzBallot(f *testing.F) {
	data, err := encodeBallot(failover.Ballot{Epoch: 1, VotedFor: "a"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte("tandem-ballot 1 00000000\n{}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := decodeBallot(data)
		if err != nil {
			return
		}
		again, err := encodeBallot(b)
		if err != nil {
			t.Fatal(err)
		}
		c, err := decodeBallot(again)
		require.NoError(t, err)
		require.Equal(t, b, c)
	})
}

// A ballot that cannot be written ends the agent, fenced, and nothing that rests on it was said.
func TestBallot_failedWriteEndsTheNode(t *testing.T) {
	c := newCluster(t, "a", "b", "w")
	c.start("a", "b", "w")
	was := c.master()
	standby := other(was)
	// A folder in the way of the temporary file: the next write fails, whoever runs the test.
	require.NoError(t, os.Mkdir(filepath.Join(c.dir, standby, "ballot.new"), 0o700))
	a := c.agents[standby]
	c.kill(was)
	eventually(t, "the agent ends", func() bool {
		select {
		case <-a.Done():
			return true
		default:
			return false
		}
	})
	require.ErrorContains(t, a.Err(), "writing the ballot")
	require.False(t, c.nodes[standby].writes())
	require.Contains(t, c.nodes[standby].hears(), "fence")
	require.NotContains(t, c.nodes[standby].hears(), "master 2")
}
