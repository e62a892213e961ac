package command

import (
	"bytes"
	"fmt"
	"strings"
)

// Error is a refusal that a client reads: "CODE text", in Redis' words. All texts of the data families stand here.
type Error string

func (e Error) Error() string { return string(e) }

// The refusals of the data families.
const (
	ErrSyntax            Error = "ERR syntax error"
	ErrNotInteger        Error = "ERR value is not an integer or out of range"
	ErrNotPositive       Error = "ERR value is out of range, must be positive"
	ErrNotFloat          Error = "ERR value is not a valid float"
	ErrNoSuchKey         Error = "ERR no such key"
	ErrOverflow          Error = "ERR increment or decrement would overflow"
	ErrDecrOverflow      Error = "ERR decrement would overflow"
	ErrIncrNaN           Error = "ERR increment would produce NaN or Infinity"
	ErrIndexRange        Error = "ERR index out of range"
	ErrOffsetRange       Error = "ERR offset is out of range"
	ErrStringTooLong     Error = "ERR string exceeds maximum allowed size (proto-max-bulk-len)"
	ErrHashNotInteger    Error = "ERR hash value is not an integer"
	ErrHashNotFloat      Error = "ERR hash value is not a float"
	ErrMinMaxNotFloat    Error = "ERR min or max is not a float"
	ErrMinMaxNotLex      Error = "ERR min or max not valid string range item"
	ErrTimeoutNegative   Error = "ERR timeout is negative"
	ErrTimeoutNotFloat   Error = "ERR timeout is not a float or out of range"
	ErrTimeoutRange      Error = "ERR timeout is out of range"
	ErrSameObject        Error = "ERR source and destination objects are the same"
	ErrDBIndex           Error = "ERR DB index is out of range"
	ErrInt32Range        Error = "ERR value is out of range, value must between -2147483648 and 2147483647"
	ErrFirstDBIndex      Error = "ERR invalid first DB index"
	ErrSecondDBIndex     Error = "ERR invalid second DB index"
	ErrExpireNXMixed     Error = "ERR NX and XX, GT or LT options at the same time are not compatible"
	ErrExpireGTLT        Error = "ERR GT and LT options at the same time are not compatible"
	ErrNotLFU            Error = "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."
	ErrLFU               Error = "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."
	ErrDocsCommand       Error = "ERR Invalid command specified"
	ErrDocsNoKeys        Error = "ERR The command has no key arguments"
	ErrDocsArity         Error = "ERR Invalid number of arguments specified for command"
	ErrDocsArguments     Error = "ERR Invalid arguments specified for command"
	ErrInvalidCursor     Error = "ERR invalid cursor"
	ErrScoreNaN          Error = "ERR resulting score is not a number (NaN)"
	ErrWeightNotFloat    Error = "ERR weight value is not a float"
	ErrNumKeysPositive   Error = "ERR numkeys should be greater than 0"
	ErrLimitNegative     Error = "ERR LIMIT can't be negative"
	ErrNotFinite         Error = "ERR value is NaN or Infinity"
	ErrOutOfRange        Error = "ERR value is out of range"
	ErrBeyondLong        Error = "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"
	ErrCountPositive     Error = "ERR count should be greater than 0"
	ErrTooFewKeys        Error = "ERR Number of keys can't be greater than number of args"
	ErrRankZero          Error = "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list"
	ErrCountNegative     Error = "ERR COUNT can't be negative"
	ErrMaxLenNegative    Error = "ERR MAXLEN can't be negative"
	ErrAddXXandNX        Error = "ERR XX and NX options at the same time are not compatible"
	ErrAddGTLTNX         Error = "ERR GT, LT, and/or NX options at the same time are not compatible"
	ErrAddIncrPairs      Error = "ERR INCR option supports a single increment-element pair"
	ErrLimitByRank       Error = "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"
	ErrFieldsMissing     Error = "ERR Mandatory argument FIELDS is missing or not at the right position"
	ErrNumFieldsPositive Error = "ERR Parameter `numFields` should be greater than 0"
	ErrFieldsPositive    Error = "ERR Number of fields must be a positive integer"
	ErrFieldsMismatch    Error = "ERR The `numfields` parameter must match the number of arguments"
	ErrFieldsTwice       Error = "ERR FIELDS keyword specified multiple times"
	ErrNoFieldsArgument  Error = "ERR missing FIELDS argument"
	ErrNumberOfFields    Error = "ERR invalid number of fields"
	ErrArguments         Error = "ERR wrong number of arguments"
	ErrNoExpireTime      Error = "ERR missing expire time"
	ErrOneOfFXXFNX       Error = "ERR Only one of FXX or FNX arguments can be specified"
	ErrOneOfTimesKeep    Error = "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified"
	ErrOneOfTimesPersist Error = "ERR Only one of EX, PX, EXAT, PXAT or PERSIST arguments can be specified"
	ErrExpireNegative    Error = "ERR invalid expire time, must be >= 0"
	ErrScoresByLex       Error = "ERR syntax error, WITHSCORES not supported in combination with BYLEX"
)

// NeedsInputKey is the refusal of a number of keys below one, where Redis names the command.
func NeedsInputKey(name string) Error {
	return Error(fmt.Sprintf("ERR at least 1 input key is needed for '%s' command", name))
}

// WrongArity is the refusal of a line that is too short or too long. name is the full name.
func WrongArity(name string) Error {
	return Error(fmt.Sprintf("ERR wrong number of arguments for '%s' command", name))
}

// InvalidExpire is the refusal of a deadline that is not positive or overflows.
func InvalidExpire(name string) Error {
	return Error(fmt.Sprintf("ERR invalid expire time in '%s' command", name))
}

// Unknown is the refusal of a command that does not exist. Redis shows the name and the first arguments, each cut at 128 bytes.
func Unknown(args [][]byte) Error {
	var b strings.Builder
	for _, a := range args[1:] {
		if b.Len() >= 128 {
			break
		}
		fmt.Fprintf(&b, "'%.*s' ", 128-b.Len(), a)
	}
	return Error(fmt.Sprintf("ERR unknown command '%.128s', with args beginning with: %s", args[0], b.String()))
}

// UnknownSub is the refusal of a subcommand that does not exist. container is the command's name in lower case.
func UnknownSub(container string, word []byte) Error {
	return Error(fmt.Sprintf("ERR unknown subcommand '%.128s'. Try %s HELP.", word, strings.ToUpper(container)))
}

// UnknownArgument is the refusal of a word that HGETEX and HSETEX do not know.
func UnknownArgument(word []byte) Error {
	word, _, _ = bytes.Cut(word, []byte{0})
	return Error(fmt.Sprintf("ERR unknown argument: %s", word))
}

// UnsupportedOption is the refusal of a word that EXPIRE and its like do not know. Redis shows it up to a zero byte.
func UnsupportedOption(word []byte) Error {
	return Error(fmt.Sprintf("ERR Unsupported option %s", cString(word)))
}

// SubSyntax is the refusal of a subcommand's arguments where Redis does not say more. container is in lower case.
func SubSyntax(container string, word []byte) Error {
	return Error(fmt.Sprintf("ERR unknown subcommand or wrong number of arguments for '%.128s'. Try %s HELP.", cString(word), strings.ToUpper(container)))
}

// cString is a word as C prints it: up to a zero byte.
func cString(word []byte) []byte {
	word, _, _ = bytes.Cut(word, []byte{0})
	return word
}
