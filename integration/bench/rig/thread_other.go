//go:build !linux

package rig

import "time"

// ThreadTime is the clock here: the benchmarks need Linux.
func ThreadTime() time.Duration { return time.Duration(time.Now().UnixNano()) }
