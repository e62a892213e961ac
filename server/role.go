package server

import (
	"time"

	"github.com/tandemkv/tandem/keyspace"
	"github.com/tandemkv/tandem/replication"
)

// Role is what a node is for its clients.
type Role uint8

// The roles. A fenced node would be master, but nobody confirms it: it answers reads and refuses writes.
const (
	RoleFenced Role = iota
	RoleMaster
	RoleStandby
)

func (r Role) String() string {
	switch r {
	case RoleMaster:
		return "master"
	case RoleStandby:
		return "standby"
	}
	return "fenced"
}

// roleState is the node's role and what follows from it.
type roleState struct {
	role   Role
	reason string
	since  time.Time

	lease    lease
	writable bool // in this holding: master, and the lease holds

	masterHost string // of a standby
	masterPort int
	linkUp     bool
	linkDown   time.Time // since when it is not up

	history *replication.History // never nil; replaced as a whole
}

func (r *roleState) is(role Role) bool { return r.role == role }

// refresh looks at the lease once for a holding: a process that slept past its lease writes nothing when it wakes.
func (r *roleState) refresh(now time.Time) {
	r.writable = r.role == RoleMaster && r.lease.holds(now)
}

// expiryMode: only a master that may write removes what has expired, and not while writes are held.
func (x *executor) expiryMode() keyspace.ExpiryMode {
	if x.role.writable && !x.pauses.on {
		return keyspace.ExpiryDelete
	}
	return keyspace.ExpiryHide
}

// logsOwnWrites: a standby's log holds its master's words only.
func (r *roleState) logsOwnWrites() bool { return r.writable }

// writeRefusal says why this node takes no writes; nil when it does.
func (x *executor) writeRefusal() error {
	switch {
	case x.role.writable:
		return nil
	case x.role.role == RoleStandby && !x.opts.ReplicaReadOnly:
		return nil
	case x.role.role == RoleStandby:
		return errReadOnly
	}
	return errFenced
}

// become is the one place where the role changes.
func (x *executor) become(role Role, reason string) {
	from := x.role.role
	if from == RoleMaster && role != RoleMaster {
		x.dropUnsafe()
	}
	x.role.role, x.role.reason, x.role.since = role, reason, x.now
	x.lookAround()
	x.log.Info("role", "from", from.String(), "to", role.String(), "reason", reason)
	if role == RoleStandby && from != RoleStandby {
		x.parking.unblockAll(errUnblocked)
	}
}
