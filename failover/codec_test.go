package failover

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/replication"
)

func fullMessage() Message {
	return Message{Kind: VoteRequest, Protocol: ProtocolVersion, Pair: "pair", From: "a", Incarnation: 3, Seq: 1 << 40, ToIncarnation: 2,
		Role: Candidate, Epoch: 9, Reign: 7, Position: replication.Position{Epoch: 8, Offset: 1 << 50}, Healthy: true, Doubtful: true, Fresh: true,
		Master: "b", Record: Record{Epoch: 8, Version: 4, Set: []string{"a", "b"}}, Term: 9, SentTick: 12345, Granted: true, Reason: "words",
		Sync: true, Forced: true, Release: Release{Master: "b", Incarnation: 2, SentTick: 12000}}
}

func TestMessage_roundTrip(t *testing.T) {
	for _, m := range []Message{fullMessage(), {Kind: Heartbeat, Protocol: ProtocolVersion, Pair: "p", From: "a"}} {
		got, err := DecodeMessage(m.Encode())
		require.NoError(t, err)
		require.Equal(t, m, got)
	}
}

// TestMessage_bytesAreStable: nodes of two builds must understand each other.
func TestMessage_bytesAreStable(t *testing.T) {
	want := "TF\x00\x01\x04pair\x01a\x05\x02\x37\x03\x80\x80\x80\x80\x80\x20\x02\x09\x07\x08\x80\x80\x80\x80\x80\x80\x80\x02\x09\xb9\x60\x02\xe0\x5d\x08\x04\x02\x01a\x01b\x01b\x01b\x05words"
	require.Equal(t, []byte(want), fullMessageWithoutGrant().Encode())
}

func fullMessageWithoutGrant() Message {
	m := fullMessage()
	m.Granted = false
	return m
}

func TestMessage_otherProtocolTellsWhoSpeaks(t *testing.T) {
	m := fullMessage()
	m.Protocol = 7
	got, err := DecodeMessage(append(m.Encode(), "fields of a later time"...))
	require.NoError(t, err)
	require.Equal(t, Message{Protocol: 7, Pair: "pair", From: "a"}, got)
}

func TestMessage_badBytesAreRefused(t *testing.T) {
	good := fullMessage().Encode()
	for length := range good {
		_, err := DecodeMessage(good[:length])
		require.Error(t, err, "cut to %d bytes", length)
	}
	change := func(at int, to byte) []byte {
		bad := append([]byte(nil), good...)
		bad[at] = to
		return bad
	}
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"magic":    {change(0, 'X'), ErrMessageMagic},
		"kind":     {change(11, byte(kindEnd)), ErrMessageField},
		"role":     {change(12, byte(Stopped)+1), ErrMessageField},
		"flags":    {change(13, 0xff), ErrMessageField},
		"trailing": {append(append([]byte(nil), good...), 0), ErrMessageField},
		"long":     {make([]byte, MessageBytesMax+1), ErrMessageLong},
	} {
		_, err := DecodeMessage(c.data)
		require.ErrorIs(t, err, c.want, name)
	}
}

func TestMessage_neverExceedsItsLimit(t *testing.T) {
	m := fullMessage()
	m.Reason = strings.Repeat("r", 1<<20)
	m.Record.Set = nil
	for i := range VotersMax {
		m.Record.Set = append(m.Record.Set, strings.Repeat(string(rune('a'+i)), NameBytesMax))
	}
	require.Less(t, len(m.Encode()), MessageBytesMax)
	_, err := DecodeMessage(m.Encode())
	require.NoError(t, err)
}

// FuzzDecodeMessage: whatever arrives, decoding neither panics nor yields what
// would not encode to the same bytes, and a node takes it without harm.
func FuzzDecodeMessage(f *testing.F) {
	f.Add(fullMessage().Encode())
	f.Add([]byte("TF\x00\x02\x01p\x01a"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := DecodeMessage(data)
		if err != nil {
			return
		}
		if m.Protocol == ProtocolVersion {
			again, err := DecodeMessage(m.Encode())
			require.NoError(t, err)
			require.Equal(t, m, again)
		}
		n, err := New(Config{ID: "v", Pair: "pair", Voters: []Voter{{ID: "a"}, {ID: "b"}, {ID: "v"}}, Timing: DefaultTiming()}, Ballot{Epoch: 3, VotedFor: "b"})
		require.NoError(t, err)
		for tick := range int64(3) {
			n.Step(Moment{Tick: tick}, Receive{Message: m})
			n.Step(Moment{Tick: tick}, Tick{})
			m.Seq++
		}
	})
}
