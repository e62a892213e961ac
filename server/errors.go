package server

import (
	"fmt"
	"strings"

	"github.com/tandemkv/tandem/command"
)

// The refusals of the session commands and of the gates, in Redis' words where Redis has them.
const (
	errNoAuth              command.Error = "NOAUTH Authentication required."
	errNestedMulti         command.Error = "ERR MULTI calls can not be nested"
	errExecWithoutMulti    command.Error = "ERR EXEC without MULTI"
	errDiscardWithoutMulti command.Error = "ERR DISCARD without MULTI"
	errWatchInMulti        command.Error = "ERR WATCH inside MULTI is not allowed"
	errExecAbort           command.Error = "EXECABORT Transaction discarded because of previous errors."
	errLoading             command.Error = "LOADING Redis is loading the dataset in memory"
	errReadOnly            command.Error = "READONLY You can't write against a read only replica."
	errReadOnlyPort        command.Error = "READONLY This is the read-only address of the pair."
	errFenced              command.Error = "READONLY This node is fenced: no majority of the pair confirms it as the master. Writes go on when one does."
	errMasterDown          command.Error = "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."
	errNoReplicas          command.Error = "NOREPLICAS Not enough good replicas to write."
	errUnblocked           command.Error = "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)"
	errUnblockedClient     command.Error = "UNBLOCKED client unblocked via CLIENT UNBLOCK"
	errNotInMulti          command.Error = "ERR Command not allowed inside a transaction"
	errProtoVersion        command.Error = "NOPROTO unsupported protocol version"
	errNotInteger          command.Error = "ERR value is not an integer or out of range"
	errTimeoutNotInteger   command.Error = "ERR timeout is not an integer or out of range"
	errWrongPass           command.Error = "WRONGPASS invalid username-password pair or user is disabled."
	errAuthWithoutPass     command.Error = "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?"
	errOutOfMemory         command.Error = "OOM command not allowed when used memory > 'maxmemory'."
	errMaxClients          command.Error = "ERR max number of clients reached"
)

// errPutOff is no refusal: the command waits, unread, until a pause is over.
const errPutOff command.Error = "put off"

// protectedModeText is what a stranger's connection is told (Redis' protected mode).
const protectedModeText = "-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default user. " +
	"In this mode connections are only accepted from the loopback interface. If you want to connect from external computers to Redis you may adopt one of the following solutions: " +
	"1) Just disable protected mode sending the command 'CONFIG SET protected-mode no' from the loopback interface by connecting to Redis from the same host the server is running, " +
	"however MAKE SURE Redis is not publicly accessible from internet if you do so. Use CONFIG REWRITE to make this change permanent. " +
	"2) Alternatively you can just disable the protected mode by editing the Redis configuration file, and setting the protected mode option to 'no', and then restarting the server. " +
	"3) If you started the server manually just for testing, restart it with the '--protected-mode no' option. " +
	"4) Setup a an authentication password for the default user. NOTE: You only need to do one of the above things in order for the server to start accepting connections from the outside.\r\n"

func execAbort(cause error) command.Error {
	return command.Error("EXECABORT Transaction discarded because of: " + strings.TrimPrefix(cause.Error(), "ERR "))
}

func subscriberOnly(name string) command.Error {
	return command.Error(fmt.Sprintf("ERR Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context", name))
}

func misconf(cause error) command.Error {
	return command.Error("MISCONF Errors writing to the log file: " + cause.Error())
}
