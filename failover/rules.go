package failover

import (
	"fmt"

	"github.com/tandemkv/tandem/replication"
)

// The rules of voting. A voter grants a vote if every rule lets it pass; the
// first that does not is the reason in the refusal. The same rules answer the
// question before the vote (Ask) and hold a candidate's vote for itself.
//
// To add a rule: one row in votingRules, one function, the facts it needs in
// facts, a column in testdata/votes.golden (regenerate; its diff is the review).

// request is what a candidate asks for.
type request struct {
	candidate string
	term      uint64
	position  replication.Position
	fresh     bool
	forced    bool
	release   Release
}

// facts is what a voter knows when it judges a request.
type facts struct {
	self   string
	policy Policy
	tick   int64

	candidateHasData bool
	candidateIsPeer  bool // false for the own vote

	ballot   Ballot
	newest   Record // newest in-sync record known, own or heard
	reigning bool   // this voter is master with a valid lease

	promise     promise
	promiseGone bool // the process promised to is known to be dead
	// recallTick: a voter without memory may have promised to anyone until then.
	recallTick  int64
	othersFresh bool // no voter heard knows of a reign, and with the voter itself they are a quorum

	hasData  bool
	position replication.Position
	// disclaimed: the node voted for in ballot.Epoch has said that it never reigned in it and never will.
	disclaimed bool
}

// votingRule returns why the vote is refused, or "".
type votingRule struct {
	name  string
	judge func(facts, request) string
}

// votingRules are in order: identity, time, memory, data.
func votingRules() []votingRule {
	return []votingRule{
		{"candidate", ruleCandidate},
		{"epoch", ruleEpoch},
		{"reigning", ruleReigning},
		{"promise", rulePromise},
		{"memory", ruleMemory},
		{"in-sync", ruleInSync},
		{"unknown reign", ruleUnknownReign},
		{"position", rulePosition},
	}
}

// verdict is the outcome of a judgement.
type verdict struct {
	granted bool
	rule    string // the rule that refused
	reason  string
}

func judge(f facts, r request) verdict {
	for _, rule := range votingRules() {
		if reason := rule.judge(f, r); reason != "" {
			return verdict{rule: rule.name, reason: reason}
		}
	}
	return verdict{granted: true, reason: "no rule is against it"}
}

// ruleCandidate: only a data node can reign.
func ruleCandidate(f facts, r request) string {
	if !f.candidateHasData {
		return fmt.Sprintf("%s has no data", r.candidate)
	}
	return ""
}

// ruleEpoch: one vote per epoch, and epochs never go back. The same vote may be given again.
func ruleEpoch(f facts, r request) string {
	switch {
	case r.term < f.ballot.Epoch:
		return fmt.Sprintf("epoch %d is past, this voter is at %d", r.term, f.ballot.Epoch)
	case r.term == f.ballot.Epoch && f.ballot.VotedFor != r.candidate:
		return fmt.Sprintf("the vote of epoch %d is with %s", r.term, orNone(f.ballot.VotedFor))
	}
	return ""
}

// ruleReigning: a master with a lease votes for nobody else. Where leases do not
// end (no witness), a master yields to better data, which it cannot have lost by its own doing.
func ruleReigning(f facts, r request) string {
	if !f.reigning || !f.candidateIsPeer {
		return ""
	}
	if f.policy != Majority && f.position.Less(r.position) {
		return ""
	}
	return fmt.Sprintf("%s is master and has a lease", f.self)
}

// rulePromise: no vote against a promise, unless its holder is dead or has released it.
func rulePromise(f facts, r request) string {
	p := f.promise
	if p.to == "" || p.to == r.candidate || f.tick >= p.untilTick || f.promiseGone || p.releasedBy(r.release) {
		return ""
	}
	return fmt.Sprintf("promised to %s for another %d ticks", p.to, p.untilTick-f.tick)
}

// ruleMemory: a voter that may have forgotten a vote gives none, except at the
// very beginning, when nobody in a quorum knows of any reign, and by order: an
// operator knows whether the voter that is not heard is dead for good.
func ruleMemory(f facts, r request) string {
	if !f.ballot.Lost {
		return ""
	}
	beginning := f.ballot.Fresh() && r.fresh && f.othersFresh
	if (beginning || r.forced) && f.tick >= f.recallTick {
		return ""
	}
	return "this voter has lost its memory, and has not yet heard from all others"
}

// ruleInSync: who may lack acknowledged writes is not elected, except by order.
func ruleInSync(f facts, r request) string {
	if r.forced || f.newest.Admits(r.candidate) {
		return ""
	}
	return fmt.Sprintf("%s may lack acknowledged writes: the in-sync record is %s", r.candidate, f.newest)
}

// ruleUnknownReign: the node voted for in a later epoch than that of the newest
// record may have reigned and acknowledged writes alone; nobody else may follow
// it until it has said that it did not.
func ruleUnknownReign(f facts, r request) string {
	b := f.ballot
	if r.forced || !b.VotedSync || b.VotedFor == "" || b.VotedFor == r.candidate || f.disclaimed || b.Epoch <= f.newest.Epoch {
		return ""
	}
	return fmt.Sprintf("%s may have reigned in epoch %d and not shared its writes", b.VotedFor, b.Epoch)
}

// rulePosition: a data node does not vote for one that knows less. With an
// in-sync record, only the nodes in it have a say: others may hold a longer
// tail that nobody was ever answered for.
func rulePosition(f facts, r request) string {
	if r.forced || !f.hasData || !f.candidateIsPeer || !r.position.Less(f.position) {
		return ""
	}
	if len(f.newest.Set) > 0 && !contains(f.newest.Set, f.self) {
		return ""
	}
	return fmt.Sprintf("%s is at %s, this node at %s", r.candidate, r.position, f.position)
}
