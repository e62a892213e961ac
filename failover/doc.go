// Package failover decides who is master. It is a core: Step takes one event
// and returns an ordered list of actions. There is no goroutine, lock, socket,
// clock or random source in it; time is ticks handed in, randomness a seed. The
// driver in failover/agent does the deeds.
//
// # Nouns
//
// A voter is a data node or a witness, fixed by configuration and known by its
// id. A reign is the time of one master, numbered by its epoch. A ballot is what
// a voter remembers on disk. A promise is a voter's word, given with each answer
// to a heartbeat and with each vote, not to vote for another for a lease. The
// lease of a master is the time that the promises of a quorum certainly last. A
// record (in-sync record) names the nodes that have every acknowledged write.
// An incarnation is one life of a process.
//
// # Life of a failover
//
// The master's heartbeats stop. The standby's own promise ends (or it sees the
// process gone), it asks all voters (Ask) and learns who would vote for it and
// why not (Answer). With a quorum willing, and no better node about, it takes a
// new epoch, votes for itself on disk, and requests votes. Each voter goes
// through the rules of rules.go, writes its vote to disk and answers. With a
// quorum the candidate writes its reign to disk, becomes master and sends
// heartbeats; whoever accepts one becomes its standby, the old master included.
//
// # Life of a message
//
// The driver decodes it (DecodeMessage) and hands it in (Receive). A sender of
// another pair or protocol is rejected with a Report. What is not newer than the
// sender's last message is dropped, so that nothing is seen twice or out of
// order. The sender's view is taken in (hear), then its kind is acted on. The
// driver calls Step at least once per tick, reads the position just before each
// call, does the actions in order, and compares its clock with the lease before
// each batch of commands.
//
// # Invariants
//
//  1. At most one node reigns in an epoch: a vote is given once per epoch, and
//     is on disk before it is sent. (Policies without quorum: the higher id keeps it.)
//  2. Between writers of different epochs no lease overlaps: the promises of a
//     quorum outlast the lease, and a vote is given only when the voter's promise
//     has ended, was released by its holder, or its holder's process is dead.
//  3. A voter that restarts assumes that it had just promised to the node of its
//     ballot; heartbeats of a later epoch put their sender on the ballot first.
//  4. Epochs, incarnations and reigns never go back on disk.
//  5. With synchronous durability only a node of the newest record is elected, and
//     a master leaves a standby out of its commit point only after a quorum has
//     the record without it on disk (CommitSet). A node named in the record that
//     was killed holds itself back until it has compared its data (doubt.go).
//  6. Who voted for a candidate that may have reigned unheard lets nobody else
//     reign before that candidate has said that it did not (ruleUnknownReign).
//  7. A fenced master that votes for another never resumes its reign.
//  8. A voter without memory (empty disk, ballot older than the data, or known to
//     others under a later incarnation) gives no vote and no promise until it has
//     heard from every other voter and taken their highest epoch: whoever it may
//     have voted for has that epoch on disk. Only at the very beginning, when
//     nobody in a quorum knows of any reign, may it begin without the rest. (So
//     a voter that lost its disk and a node that never took part could begin anew
//     while the third, which knows better, is away: that takes two failures.)
//  9. The role changes in becomeRole only, along the table in role.go; no error
//     changes it.
//
// # Where this goes beyond a plain majority vote, and why
//
//   - A master that learns of a later epoch without a master (a lost campaign)
//     renews its reign in place, under a still later epoch, instead of stepping
//     down: writes go on.
//   - The vote of a candidate for itself does not count as an unknown reign, since
//     it knows whether it won. Otherwise two data nodes could block each other
//     once the witness is away.
//   - A switchover releases exactly the promises for heartbeats sent up to the
//     fence, carried by the candidate (Release). A master that undoes it counts
//     only later heartbeats, so a request that comes late can do no harm.
//   - A bare pair under the policies available and manual has no quorum. A node that
//     starts alone takes up only the role it had; the master does not fence; at
//     healing the later (epoch, id) stays.
//
// A Node belongs to the one goroutine of its driver; Clone, Status, Encode and
// DecodeMessage return values that are anybody's.
package failover
