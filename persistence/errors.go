package persistence

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Met by any caller of a store that was closed.
var ErrClosed = errors.New("persistence: the store is closed")

// ErrLogReplaced is met by a reader whose log was cut or restarted under it. Open a new reader.
var ErrLogReplaced = errors.New("persistence: the log was cut or restarted since this reader was opened")

// OutOfRangeError says that the log does not hold (or no longer holds) an offset.
type OutOfRangeError struct {
	Asked, Start, End int64
}

func (e *OutOfRangeError) Error() string {
	if e.Asked < e.Start {
		return fmt.Sprintf("log offset %d is older than the log's start %d (it ends at %d)", e.Asked, e.Start, e.End)
	}
	return fmt.Sprintf("log offset %d is beyond the log's end %d (it starts at %d)", e.Asked, e.End, e.Start)
}

// CorruptionError says what in a store cannot be trusted, and what the operator can do.
type CorruptionError struct {
	Dir    string // the store
	What   string // the row, in words
	Offset int64  // log offset, or -1 where it is not about the log
	// File is the one that is damaged, where that is known, and FileOffset where in it; -1 if that is not known.
	File       string
	FileOffset int64
	Err        error
}

func (e *CorruptionError) Error() string {
	where := e.What
	if e.Offset >= 0 {
		where = fmt.Sprintf("%s at log offset %d", e.What, e.Offset)
	}
	if e.File != "" {
		where += ": file " + e.File
		if e.FileOffset >= 0 {
			where += fmt.Sprintf(" at offset %d", e.FileOffset)
		}
	}
	cause := e.Err
	if info := pebble.ExtractDataCorruptionInfo(e.Err); info != nil {
		cause = info.Details // without the file and the keys once more
	}
	return fmt.Sprintf("the store in %s is damaged: %s: %v. Nothing was changed. Move %s aside and start again: "+
		"the node then takes a full copy from the other node; or restore the folder from a backup", e.Dir, where, cause, e.Dir)
}

func (e *CorruptionError) Unwrap() error { return e.Err }

// FormatError says that a folder holds something that this version does not read.
type FormatError struct {
	Dir, Found string
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("the store in %s has format %s, and this version reads and writes format %s only: "+
		"use the version that wrote it, or move the folder aside to start with a full copy", e.Dir, e.Found, formatVersion)
}

// LockedError says that someone else has the store open.
type LockedError struct {
	Dir string
	Err error
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("the store in %s is in use by another process (its LOCK file is held: %v): "+
		"stop that process, or give this one another dir", e.Dir, e.Err)
}

func (e *LockedError) Unwrap() error { return e.Err }
