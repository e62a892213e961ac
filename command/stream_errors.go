package command

import "fmt"

// The refusals of the stream commands.
const (
	ErrStreamID             Error = "ERR Invalid stream ID specified as stream command argument"
	ErrStreamStart          Error = "ERR invalid start ID for the interval"
	ErrStreamEnd            Error = "ERR invalid end ID for the interval"
	ErrStreamIDZero         Error = "ERR The ID specified in XADD must be greater than 0-0"
	ErrStreamIDOld          Error = "ERR The ID specified in XADD is equal or smaller than the target stream top item"
	ErrStreamExhausted      Error = "ERR The stream has exhausted the last possible ID, unable to add more items"
	ErrStreamEntrySize      Error = "ERR Elements are too large to be stored"
	ErrTrimTwice            Error = "ERR syntax error, MAXLEN and MINID options at the same time are not compatible"
	ErrTrimMaxLen           Error = "ERR The MAXLEN argument must be >= 0."
	ErrTrimLimit            Error = "ERR The LIMIT argument must be >= 0."
	ErrTrimLimitAlone       Error = "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy"
	ErrTrimLimitExact       Error = "ERR syntax error, LIMIT cannot be used without the special ~ option"
	ErrTrimMissing          Error = "ERR syntax error, XTRIM must be called with a trimming strategy"
	ErrEntriesAddedNegative Error = "ERR entries_added must be positive"
	ErrSetIDDeletedGiven    Error = "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id"
	ErrSetIDDeleted         Error = "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id"
	ErrSetIDTop             Error = "ERR The ID specified in XSETID is smaller than the target stream top item"
	ErrSetIDLength          Error = "ERR The entries_added specified in XSETID is smaller than the target stream length"
	ErrStreamsUnbalanced    Error = "ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified."
	ErrGroupOption          Error = "ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead."
	ErrNoAckOption          Error = "ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead."
	ErrGroupMissing         Error = "ERR Missing GROUP option for XREADGROUP"
	ErrDollarInGroup        Error = "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set."
	ErrNewOutsideGroup      Error = "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option."
	ErrTimeoutNotInteger    Error = "ERR timeout is not an integer or out of range"
	ErrEntriesReadNegative  Error = "ERR value for ENTRIESREAD must be positive or -1"
	ErrGroupNeedsKey        Error = "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically."
	ErrBusyGroup            Error = "BUSYGROUP Consumer Group name already exists"
	ErrClaimIdle            Error = "ERR Invalid min-idle-time argument for XCLAIM"
	ErrClaimIdleOption      Error = "ERR Invalid IDLE option argument for XCLAIM"
	ErrClaimTimeOption      Error = "ERR Invalid TIME option argument for XCLAIM"
	ErrClaimRetryOption     Error = "ERR Invalid RETRYCOUNT option argument for XCLAIM"
	ErrAutoClaimIdle        Error = "ERR Invalid min-idle-time argument for XAUTOCLAIM"
	ErrAutoClaimCount       Error = "ERR COUNT must be > 0"
)

// NoGroupToRead is the refusal of XREADGROUP where the key or its group is missing.
func NoGroupToRead(key, group []byte) Error {
	return Error(fmt.Sprintf("NOGROUP No such key '%s' or consumer group '%s' in XREADGROUP with GROUP option", cString(key), cString(group)))
}

// NoGroup is the same for the commands about pending entries.
func NoGroup(key, group []byte) Error {
	return Error(fmt.Sprintf("NOGROUP No such key '%s' or consumer group '%s'", cString(key), cString(group)))
}

// NoGroupOf is the refusal of XGROUP and XINFO where the group is missing.
func NoGroupOf(key, group []byte) Error {
	return Error(fmt.Sprintf("NOGROUP No such consumer group '%s' for key name '%s'", cString(group), cString(key)))
}

// UnknownClaimOption is the refusal of a word that XCLAIM does not know.
func UnknownClaimOption(word []byte) Error {
	return Error(fmt.Sprintf("ERR Unrecognized XCLAIM option '%s'", cString(word)))
}
