package server

import (
	"github.com/tandemkv/tandem/command"
)

// flagTransaction marks the commands that run at once between MULTI and EXEC. It is ours, above Redis' flags.
const flagTransaction command.Flag = 1 << 30

// flagSubscriber marks the commands that a RESP2 client may use while it is subscribed.
const flagSubscriber command.Flag = 1 << 29

// flagPauseExempt marks the commands that run during CLIENT PAUSE ALL.
const flagPauseExempt command.Flag = 1 << 28

// flagRunsQueue marks the command that ends a transaction by running it: when it is refused the transaction is over.
const flagRunsQueue command.Flag = 1 << 27

// gate is one admission check. It gives the refusal, errPutOff to wait, or nil.
type gate func(x *executor, s *session, spec *command.Spec, args [][]byte) error

// gates are asked in this order, Redis' own (processCommand), but for pauses: who waits for the end of a switchover must not
// be told of the roles that the node goes through meanwhile. They ask flags, never names. A handler may assume that all of
// them have agreed. To add a check, add a row.
func gates() []gate {
	return []gate{
		gateKnown,
		gateAuthenticated,
		gateTransaction,
		gatePaused,
		gateMemory,
		gateDisk,
		gateReplicas,
		gateRole,
		gateSubscriber,
		gateStale,
		gateLoading,
	}
}

// admit asks all gates. The common case, a plain command on a healthy node, is known beforehand.
func (x *executor) admit(s *session, spec *command.Spec, args [][]byte) error {
	if x.healthy && (x.opts.MaxMemory == 0 || x.memoryExcess() <= 0) && s.plain() && spec != nil && len(spec.Subs) == 0 && spec.ArityOK(len(args)) {
		return nil
	}
	for _, g := range x.gates {
		if err := g(x, s, spec, args); err != nil {
			return err
		}
	}
	return nil
}

// plain tells whether no gate has anything to ask about the session.
func (s *session) plain() bool {
	return s.authenticated && !s.tx.open && s.port.kind != PortRO && !s.subs.any()
}

// lookAround decides whether any gate has something to ask about the node. It must be called when that changes: each
// holding begins with it, and what changes the node's state within a holding calls it again.
func (x *executor) lookAround() {
	x.role.refresh(x.now)
	x.healthy = x.role.writable && x.diskError == nil && x.opts.MinReplicasToWrite == 0 && !x.loading.on && !x.pauses.on
}

func gateKnown(x *executor, s *session, spec *command.Spec, args [][]byte) error {
	switch {
	case spec == nil:
		return command.Unknown(args)
	case len(spec.Subs) > 0 && len(args) > 1:
		return command.UnknownSub(spec.Name, args[1])
	case !spec.ArityOK(len(args)):
		return command.WrongArity(spec.FullName)
	}
	return nil
}

func gateAuthenticated(x *executor, s *session, spec *command.Spec, args [][]byte) error {
	if !s.authenticated && spec.Flags&command.NoAuth == 0 {
		return errNoAuth
	}
	return nil
}

func gateTransaction(x *executor, s *session, spec *command.Spec, args [][]byte) error {
	if s.tx.open && spec.Flags&command.NoMulti != 0 {
		return errNotInMulti
	}
	return nil
}

// gateMemory makes room while there is too much in memory, and refuses what needs memory when there is none. What a
// transaction queues needs memory whatever it is.
func gateMemory(x *executor, s *session, spec *command.Spec, args [][]byte) error {
	if x.opts.MaxMemory == 0 || x.makeRoom(x.tenacity) != roomNone {
		return nil
	}
	needs := spec.Flags&command.DenyOOM != 0
	if s.tx.open {
		needs = needs || spec.Flags&flagTransaction == 0 || spec.Flags&flagRunsQueue != 0 && s.tx.needsMemory
	}
	if needs {
		return errOutOfMemory
	}
	return nil
}

// gateDisk refuses writes that could not be kept.
func gateDisk(x *executor, s *session, spec *command.Spec, args [][]byte) error {
	if x.diskError != nil && spec.Flags&command.Write != 0 && x.role.is(RoleMaster) {
		return misconf(x.diskError)
	}
	return nil
}

func gateReplicas(x *executor, s *session, spec *command.Spec, args [][]byte) error {
	if x.opts.MinReplicasToWrite > 0 && spec.Flags&command.Write != 0 && x.role.is(RoleMaster) && x.standbys.good(x) < x.opts.MinReplicasToWrite {
		return errNoReplicas
	}
	return nil
}

// gateRole lets only the master write, and only while its lease holds.
func gateRole(x *executor, s *session, spec *command.Spec, args [][]byte) error {
	if spec.Flags&command.Write == 0 {
		return nil
	}
	if s.port.kind == PortRO {
		return errReadOnlyPort
	}
	if s.tx.open && x.pauses.switchover {
		return nil // EXEC waits for the end, and asks again
	}
	return x.writeRefusal()
}

func gateSubscriber(x *executor, s *session, spec *command.Spec, args [][]byte) error {
	if s.w.Proto != 3 && s.subs.any() && spec.Flags&flagSubscriber == 0 {
		return subscriberOnly(spec.FullName)
	}
	return nil
}

func gateStale(x *executor, s *session, spec *command.Spec, args [][]byte) error {
	if !x.opts.ReplicaServeStaleData && spec.Flags&command.Stale == 0 && x.role.is(RoleStandby) && !x.role.linkUp {
		return errMasterDown
	}
	return nil
}

func gateLoading(x *executor, s *session, spec *command.Spec, args [][]byte) error {
	if x.loading.on && spec.Flags&command.Loading == 0 {
		return errLoading
	}
	return nil
}

// gatePaused makes writes wait while a switchover drains them, or CLIENT PAUSE asks for it.
func gatePaused(x *executor, s *session, spec *command.Spec, args [][]byte) error {
	if !x.pauses.on {
		return nil
	}
	if x.pauses.stops(s, spec) {
		x.pauses.putOff(s)
		return errPutOff
	}
	return nil
}
