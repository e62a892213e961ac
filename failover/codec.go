package failover

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tandemkv/tandem/replication"
)

// MessageBytesMax bounds an encoded message; Encode never exceeds it, since the
// names in it are bounded, and DecodeMessage refuses what is longer.
const MessageBytesMax = 16 << 10

// reasonBytesMax bounds the sentence in a message; longer ones are cut.
const reasonBytesMax = 1024

// The errors of DecodeMessage.
var (
	ErrMessageLong  = errors.New("peer message is too long")
	ErrMessageShort = errors.New("peer message is cut off")
	ErrMessageMagic = errors.New("not a peer message")
	ErrMessageField = errors.New("peer message has a bad field")
)

const (
	magicFirst  = 'T'
	magicSecond = 'F'
)

// The one byte of yes/no facts.
const (
	flagHealthy = 1 << iota
	flagDoubtful
	flagFresh
	flagGranted
	flagSync
	flagForced
	flagEnd
)

// Encode returns the message as bytes. The head (magic, protocol, pair, from) is
// the same in all protocol versions, so that any can say who it does not understand.
func (m Message) Encode() []byte {
	b := make([]byte, 0, 192)
	b = append(b, magicFirst, magicSecond)
	b = binary.BigEndian.AppendUint16(b, m.Protocol)
	b = appendName(b, m.Pair)
	b = appendName(b, m.From)
	if m.Protocol != ProtocolVersion {
		return b
	}
	b = append(b, byte(m.Kind), byte(m.Role), m.flags())
	for _, n := range []uint64{m.Incarnation, m.Seq, m.ToIncarnation, m.Epoch, m.Reign, m.Position.Epoch,
		uint64(m.Position.Offset), m.Term, uint64(m.SentTick), m.Release.Incarnation, uint64(m.Release.SentTick),
		m.Record.Epoch, m.Record.Version, uint64(len(m.Record.Set))} {
		b = binary.AppendUvarint(b, n)
	}
	for _, id := range m.Record.Set {
		b = appendName(b, id)
	}
	b = appendName(b, m.Master)
	b = appendName(b, m.Release.Master)
	reason := m.Reason
	if len(reason) > reasonBytesMax {
		reason = reason[:reasonBytesMax]
	}
	b = binary.AppendUvarint(b, uint64(len(reason)))
	return append(b, reason...)
}

func (m Message) flags() byte {
	var flags byte
	for _, f := range []struct {
		set bool
		bit byte
	}{{m.Healthy, flagHealthy}, {m.Doubtful, flagDoubtful}, {m.Fresh, flagFresh},
		{m.Granted, flagGranted}, {m.Sync, flagSync}, {m.Forced, flagForced}} {
		if f.set {
			flags |= f.bit
		}
	}
	return flags
}

// appendName writes a name; Config.Validate has bounded it.
func appendName(b []byte, name string) []byte {
	if len(name) > NameBytesMax {
		name = name[:NameBytesMax]
	}
	b = append(b, byte(len(name)))
	return append(b, name...)
}

// DecodeMessage reads what Encode wrote. Of a message of another protocol it
// returns only Protocol, Pair and From: Step reports such a peer.
func DecodeMessage(data []byte) (Message, error) {
	if len(data) > MessageBytesMax {
		return Message{}, fmt.Errorf("%w: %d bytes, limit %d", ErrMessageLong, len(data), MessageBytesMax)
	}
	r := reader{rest: data}
	head := r.bytes(2)
	if r.err == nil && (head[0] != magicFirst || head[1] != magicSecond) {
		return Message{}, ErrMessageMagic
	}
	m := Message{}
	if version := r.bytes(2); r.err == nil {
		m.Protocol = binary.BigEndian.Uint16(version)
	}
	m.Pair, m.From = r.name(), r.name()
	if r.err != nil {
		return Message{}, r.err
	}
	if m.Protocol != ProtocolVersion {
		return m, nil
	}
	r.body(&m)
	if r.err == nil && len(r.rest) != 0 {
		r.fail("bytes after the end")
	}
	if r.err != nil {
		return Message{}, r.err
	}
	return m, nil
}

// reader takes fields off the front and keeps the first error.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) body(m *Message) {
	if fixed := r.bytes(3); r.err == nil {
		m.Kind, m.Role = Kind(fixed[0]), Role(fixed[1])
		flags := fixed[2]
		m.Healthy, m.Doubtful, m.Fresh = flags&flagHealthy != 0, flags&flagDoubtful != 0, flags&flagFresh != 0
		m.Granted, m.Sync, m.Forced = flags&flagGranted != 0, flags&flagSync != 0, flags&flagForced != 0
		if m.Kind < Heartbeat || m.Kind >= kindEnd || m.Role > Stopped || flags >= flagEnd {
			r.fail("kind, role or flags")
		}
	}
	m.Incarnation, m.Seq, m.ToIncarnation = r.number(), r.number(), r.number()
	m.Epoch, m.Reign = r.number(), r.number()
	m.Position = replication.Position{Epoch: r.number(), Offset: r.signed()}
	m.Term, m.SentTick = r.number(), r.signed()
	m.Release.Incarnation, m.Release.SentTick = r.number(), r.signed()
	m.Record.Epoch, m.Record.Version = r.number(), r.number()
	count := r.number()
	if count > VotersMax {
		r.fail("in-sync set")
	}
	for i := uint64(0); i < count && r.err == nil; i++ {
		m.Record.Set = append(m.Record.Set, r.name())
	}
	for i := 1; i < len(m.Record.Set) && r.err == nil; i++ {
		if m.Record.Set[i-1] >= m.Record.Set[i] {
			r.fail("order of the in-sync set")
		}
	}
	m.Master, m.Release.Master = r.name(), r.name()
	length := r.number()
	if length > reasonBytesMax {
		r.fail("reason")
	}
	if r.err == nil {
		m.Reason = string(r.bytes(int(length)))
	}
}

func (r *reader) fail(field string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", ErrMessageField, field)
	}
}

func (r *reader) bytes(n int) []byte {
	if r.err == nil && len(r.rest) < n {
		r.err = ErrMessageShort
	}
	if r.err != nil {
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) number() uint64 {
	if r.err != nil {
		return 0
	}
	n, size := binary.Uvarint(r.rest)
	if size == 0 {
		r.err = ErrMessageShort
		return 0
	}
	if size < 0 {
		r.fail("number")
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

// signed reads a number that must fit a non-negative int64.
func (r *reader) signed() int64 {
	n := r.number()
	if n > 1<<62 {
		r.fail("number out of range")
		return 0
	}
	return int64(n)
}

func (r *reader) name() string {
	length := r.bytes(1)
	if r.err != nil {
		return ""
	}
	return string(r.bytes(int(length[0])))
}
