package agent

import (
	"net"
	"testing"

	"github.com/hashicorp/memberlist"
	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/failover"
)

// TestConflict_theBookFollowsOnlyAfterAFallenProbe: a second node under a voter's id is a stranger, unless the first is known to
// be gone. Whether it is nobody knows before the first probe: a standby that has just come up must not follow a stranger.
func TestConflict_theBookFollowsOnlyAfterAFallenProbe(t *testing.T) {
	text, err := meta{Protocol: failover.ProtocolVersion, Pair: "p", Port: 6379}.encode()
	require.NoError(t, err)
	member := func(port uint16) *memberlist.Node {
		return &memberlist.Node{Name: "a", Addr: net.IPv4(127, 0, 0, 1), Port: port, Meta: text}
	}
	const first, other = "127.0.0.1:1", "127.0.0.1:2"
	for name, c := range map[string]struct {
		probe func(b *addressBook)
		want  string
	}{
		"not probed yet":   {func(*addressBook) {}, first},
		"a probe stands":   {func(b *addressBook) { b.probe("a", true) }, first},
		"a probe broke":    {func(b *addressBook) { b.probe("a", true); b.probe("a", false) }, other},
		"none could stand": {func(b *addressBook) { b.probe("a", false) }, other},
	} {
		t.Run(name, func(t *testing.T) {
			opts := Options{ID: "b", Pair: "p", Voters: []failover.Voter{{ID: "a"}, {ID: "b"}}}
			n := &network{opts: opts, book: newAddressBook(Voter{ID: "b"}), say: &sayer{log: func(Level, string) {}}}
			n.NotifyJoin(member(1))
			c.probe(n.book)
			n.NotifyConflict(member(1), member(2))
			require.Equal(t, c.want, n.book.find("a").Gossip)
		})
	}
}
