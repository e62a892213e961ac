package rdb

import (
	"fmt"
	"strconv"
)

// CorruptError says that the input is not what RDB allows, and where.
type CorruptError struct {
	Offset int64  // in the input, of the byte behind the one that made it clear
	Key    []byte // the key whose value was read; nil outside of values
	What   string
}

func (e *CorruptError) Error() string {
	return "RDB input is damaged at byte " + strconv.FormatInt(e.Offset, 10) + keySuffix(e.Key) + ": " + e.What
}

// UnsupportedError says that the input holds something real that this version does not read.
type UnsupportedError struct {
	Offset int64
	Key    []byte
	What   string
}

func (e *UnsupportedError) Error() string {
	return "RDB input has at byte " + strconv.FormatInt(e.Offset, 10) + keySuffix(e.Key) + ": " + e.What
}

// ReadError says that the input ended early or could not be read.
type ReadError struct {
	Offset int64
	Key    []byte
	Err    error
}

func (e *ReadError) Error() string {
	return fmt.Sprintf("RDB input stops at byte %d%s: %v", e.Offset, keySuffix(e.Key), e.Err)
}

func (e *ReadError) Unwrap() error { return e.Err }

// keyShownBytes keeps a log line readable.
const keyShownBytes = 80

func keySuffix(key []byte) string {
	if key == nil {
		return ""
	}
	if len(key) > keyShownBytes {
		return " in key " + strconv.Quote(string(key[:keyShownBytes])) + "..."
	}
	return " in key " + strconv.Quote(string(key))
}
