package server

import (
	"fmt"
	"strconv"

	"github.com/tandemkv/tandem/command"
	"github.com/tandemkv/tandem/internal/notation"
	"github.com/tandemkv/tandem/internal/resp"
)

// hub knows who listens to what. Messages are written into the sessions' replies at once; the carriers are woken at the
// end of the owner's holding.
type hub struct {
	channels map[string]map[*session]struct{}
	patterns map[string]map[*session]struct{}
	shards   map[string]map[*session]struct{}
}

func (h *hub) init() {
	h.channels = make(map[string]map[*session]struct{})
	h.patterns = make(map[string]map[*session]struct{})
	h.shards = make(map[string]map[*session]struct{})
}

// subscriptions is what one session listens to.
type subscriptions struct {
	channels, patterns, shards map[string]struct{}
}

func (u *subscriptions) any() bool  { return len(u.channels)+len(u.patterns)+len(u.shards) > 0 }
func (u *subscriptions) count() int { return len(u.channels) + len(u.patterns) }

// space is one of the three name spaces, for one session.
type space struct {
	all   map[string]map[*session]struct{}
	own   *map[string]struct{}
	words [3]string // subscribe, unsubscribe, message
	shard bool
}

func (h *hub) channelSpace(s *session) space {
	return space{all: h.channels, own: &s.subs.channels, words: [3]string{"subscribe", "unsubscribe", "message"}}
}

func (h *hub) patternSpace(s *session) space {
	return space{all: h.patterns, own: &s.subs.patterns, words: [3]string{"psubscribe", "punsubscribe", "pmessage"}}
}

func (h *hub) shardSpace(s *session) space {
	return space{all: h.shards, own: &s.subs.shards, words: [3]string{"ssubscribe", "sunsubscribe", "smessage"}, shard: true}
}

// count is what the confirmations tell: channels and patterns together, shard channels apart.
func (p space) count(s *session) int64 {
	if p.shard {
		return int64(len(s.subs.shards))
	}
	return int64(s.subs.count())
}

func (p space) subscribe(s *session, name string) {
	if *p.own == nil {
		*p.own = make(map[string]struct{})
	}
	if _, have := (*p.own)[name]; !have {
		(*p.own)[name] = struct{}{}
		if p.all[name] == nil {
			p.all[name] = make(map[*session]struct{})
		}
		p.all[name][s] = struct{}{}
	}
	s.w.Push(3)
	s.w.BulkString(p.words[0])
	s.w.BulkString(name)
	s.w.Int(p.count(s))
}

func (p space) drop(s *session, name string) {
	delete(*p.own, name)
	delete(p.all[name], s)
	if len(p.all[name]) == 0 {
		delete(p.all, name)
	}
}

func (p space) unsubscribe(s *session, name string) {
	p.drop(s, name)
	s.w.Push(3)
	s.w.BulkString(p.words[1])
	s.w.BulkString(name)
	s.w.Int(p.count(s))
}

// unsubscribeAll confirms each one, or once with a null name when there is none.
func (p space) unsubscribeAll(s *session) {
	if len(*p.own) == 0 {
		s.w.Push(3)
		s.w.BulkString(p.words[1])
		s.w.Null()
		s.w.Int(p.count(s))
		return
	}
	for name := range *p.own {
		p.unsubscribe(s, name)
	}
}

// forgetSubscriptions ends all of a session's, without a word.
func (x *executor) forgetSubscriptions(s *session) {
	for _, p := range []space{x.pubsub.channelSpace(s), x.pubsub.patternSpace(s), x.pubsub.shardSpace(s)} {
		for name := range *p.own {
			p.drop(s, name)
		}
	}
}

// publish delivers a message and gives the number of receivers.
func (x *executor) publish(channel, message []byte) (receivers int64) {
	for s := range x.pubsub.channels[string(channel)] {
		s.w.Push(3)
		s.w.BulkString("message")
		s.w.Bulk(channel)
		s.w.Bulk(message)
		x.touch(s)
		receivers++
	}
	for pattern, sessions := range x.pubsub.patterns {
		if !notation.Match([]byte(pattern), channel, false) {
			continue
		}
		for s := range sessions {
			s.w.Push(4)
			s.w.BulkString("pmessage")
			s.w.BulkString(pattern)
			s.w.Bulk(channel)
			s.w.Bulk(message)
			x.touch(s)
			receivers++
		}
	}
	return receivers
}

// publishShard delivers a message of a shard channel.
func (x *executor) publishShard(channel, message []byte) (receivers int64) {
	for s := range x.pubsub.shards[string(channel)] {
		s.w.Push(3)
		s.w.BulkString("smessage")
		s.w.Bulk(channel)
		s.w.Bulk(message)
		x.touch(s)
		receivers++
	}
	return receivers
}

func (x *executor) publishInternal(channel, message string) {
	x.publish([]byte(channel), []byte(message))
}

func keyspaceChannel(prefix string, db int, rest string) string {
	return prefix + strconv.Itoa(db) + "__:" + rest
}

const pubsubFlags = command.PubSub | command.NoScript | command.Loading | command.Stale | flagSubscriber

func pubsubRows() []row {
	rows := []row{
		{command.Spec{Name: "publish", Arity: 3, Flags: command.PubSub | command.Loading | command.Stale | command.Fast | command.MayReplicate,
			Group: "pubsub", Since: "2.0.0", Summary: "Posts a message to a channel."}, publishCommand},
		{command.Spec{Name: "spublish", Arity: 3, Flags: command.PubSub | command.Loading | command.Stale | command.Fast | command.MayReplicate,
			Keys: command.One(1, command.KeyNotKey), Group: "pubsub", Since: "7.0.0", Summary: "Post a message to a shard channel"}, spublishCommand},
		{command.Spec{Name: "pubsub", Arity: -2, Group: "pubsub", Since: "2.8.0", Summary: "A container for Pub/Sub commands.",
			Flags: 0, Subs: []command.Spec{
				{Name: "channels", Arity: -2, Flags: command.PubSub | command.Loading | command.Stale, Group: "pubsub", Since: "2.8.0", Summary: "Returns the active channels."},
				{Name: "help", Arity: 2, Flags: command.Loading | command.Stale, Group: "pubsub", Since: "6.2.0", Summary: "Returns helpful text about the different subcommands."},
				{Name: "numpat", Arity: 2, Flags: command.PubSub | command.Loading | command.Stale, Group: "pubsub", Since: "2.8.0", Summary: "Returns a count of unique pattern subscriptions."},
				{Name: "numsub", Arity: -2, Flags: command.PubSub | command.Loading | command.Stale, Group: "pubsub", Since: "2.8.0", Summary: "Returns a count of subscribers to channels."},
				{Name: "shardchannels", Arity: -2, Flags: command.PubSub | command.Loading | command.Stale, Group: "pubsub", Since: "7.0.0", Summary: "Returns the active shard channels."},
				{Name: "shardnumsub", Arity: -2, Flags: command.PubSub | command.Loading | command.Stale, Group: "pubsub", Since: "7.0.0", Summary: "Returns the count of subscribers of shard channels."},
			}}, pubsubCommand},
	}
	for _, r := range []struct {
		name, since, summary string
		arity                int
		run                  sessionHandler
	}{
		{"subscribe", "2.0.0", "Listens for messages published to channels.", -2, subscribe},
		{"unsubscribe", "2.0.0", "Stops listening to messages posted to channels.", -1, unsubscribe},
		{"psubscribe", "2.0.0", "Listens for messages published to channels that match one or more patterns.", -2, psubscribe},
		{"punsubscribe", "2.0.0", "Stops listening to messages published to channels that match one or more patterns.", -1, punsubscribe},
		{"ssubscribe", "7.0.0", "Listens for messages published to shard channels.", -2, ssubscribe},
		{"sunsubscribe", "7.0.0", "Stops listening to messages posted to shard channels.", -1, sunsubscribe},
	} {
		spec := command.Spec{Name: r.name, Arity: r.arity, Flags: pubsubFlags, Group: "pubsub", Since: r.since, Summary: r.summary}
		if r.name[0] == 's' && r.name[1] != 'u' || r.name == "sunsubscribe" {
			spec.Keys = command.All(1, 1, command.KeyNotKey)
		}
		rows = append(rows, row{spec, r.run})
	}
	return rows
}

// publishCommand delivers here, and through the log to the subscribers of the standbys.
func publishCommand(x *executor, s *session, args [][]byte) error {
	n := x.publish(args[1], args[2])
	if x.standbys.any() && x.role.logsOwnWrites() {
		x.engine.AddEffect(command.Effect{DB: s.db, Words: args})
	}
	s.w.Int(n)
	return nil
}

func spublishCommand(x *executor, s *session, args [][]byte) error {
	n := x.publishShard(args[1], args[2])
	if x.standbys.any() && x.role.logsOwnWrites() {
		x.engine.AddEffect(command.Effect{DB: s.db, Words: args})
	}
	s.w.Int(n)
	return nil
}

func pubsubCommand(x *executor, s *session, args [][]byte) error {
	if name := s.spec.Name; len(args) > 3 && (name == "channels" || name == "shardchannels") {
		return command.Error(fmt.Sprintf("ERR unknown subcommand or wrong number of arguments for '%.128s'. Try PUBSUB HELP.", args[1]))
	}
	switch s.spec.Name {
	case "channels":
		listChannels(&s.w, x.pubsub.channels, args)
	case "shardchannels":
		listChannels(&s.w, x.pubsub.shards, args)
	case "numpat":
		s.w.Int(int64(len(x.pubsub.patterns)))
	case "numsub":
		countChannels(&s.w, x.pubsub.channels, args)
	case "shardnumsub":
		countChannels(&s.w, x.pubsub.shards, args)
	case "help":
		writeHelp(&s.w, "PUBSUB", "CHANNELS [<pattern>]", "    Return the currently active channels matching a <pattern> (default: '*').",
			"NUMPAT", "    Return number of subscriptions to patterns.",
			"NUMSUB [<channel> ...]", "    Return the number of subscribers for the specified channels, excluding",
			"    pattern subscriptions(default: no channels).",
			"SHARDCHANNELS [<pattern>]", "    Return the currently active shard level channels matching a <pattern> (default: '*').",
			"SHARDNUMSUB [<shardchannel> ...]", "    Return the number of subscribers for the specified shard level channel(s)")
	default:
		return command.UnknownSub("pubsub", args[1])
	}
	return nil
}

func listChannels(w *resp.Writer, channels map[string]map[*session]struct{}, args [][]byte) {
	var names []string
	for name := range channels {
		if len(args) < 3 || notation.Match(args[2], []byte(name), false) {
			names = append(names, name)
		}
	}
	w.Array(len(names))
	for _, name := range names {
		w.BulkString(name)
	}
}

func countChannels(w *resp.Writer, channels map[string]map[*session]struct{}, args [][]byte) {
	w.Array(2 * (len(args) - 2))
	for _, name := range args[2:] {
		w.Bulk(name)
		w.Int(int64(len(channels[string(name)])))
	}
}

func subscribe(x *executor, s *session, args [][]byte) error {
	return subscribeTo(s, x.pubsub.channelSpace(s), args)
}
func psubscribe(x *executor, s *session, args [][]byte) error {
	return subscribeTo(s, x.pubsub.patternSpace(s), args)
}
func ssubscribe(x *executor, s *session, args [][]byte) error {
	return subscribeTo(s, x.pubsub.shardSpace(s), args)
}
func unsubscribe(x *executor, s *session, args [][]byte) error {
	return unsubscribeFrom(s, x.pubsub.channelSpace(s), args)
}
func punsubscribe(x *executor, s *session, args [][]byte) error {
	return unsubscribeFrom(s, x.pubsub.patternSpace(s), args)
}
func sunsubscribe(x *executor, s *session, args [][]byte) error {
	return unsubscribeFrom(s, x.pubsub.shardSpace(s), args)
}

func subscribeTo(s *session, p space, args [][]byte) error {
	for _, name := range args[1:] {
		p.subscribe(s, string(name))
	}
	return nil
}

func unsubscribeFrom(s *session, p space, args [][]byte) error {
	if len(args) == 1 {
		p.unsubscribeAll(s)
	}
	for _, name := range args[1:] {
		p.unsubscribe(s, string(name))
	}
	return nil
}
