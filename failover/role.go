package failover

import "fmt"

// transitions is the whole truth about which role may follow which.
var transitions = [...][]Role{
	Starting:  {Standby, Candidate, Stopped},
	Standby:   {Candidate, Stopped},
	Candidate: {Starting, Standby, Master, Stopped},
	Master:    {Fenced},
	Fenced:    {Master, Starting, Standby, Stopped},
	Witness:   {Stopped},
	Stopped:   {},
}

// becomeRole is the only place where a role changes. It asserts that the change
// is in the table, and keeps the reason for INFO.
func (n *Node) becomeRole(to Role, reason string) {
	if n.role == to {
		return
	}
	legal := false
	for _, next := range transitions[n.role] {
		legal = legal || next == to
	}
	if !legal {
		panic(fmt.Sprintf("failover: role %s cannot become %s (%s)", n.role, to, reason))
	}
	n.report("role %s -> %s: %s", n.role, to, reason)
	n.role, n.roleReason, n.roleTick = to, reason, n.at.Tick
}
