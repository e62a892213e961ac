//go:build unix

package agent

import (
	"os"
	"syscall"
)

// lockFile takes the file for this process; the kernel gives it back when the process ends.
func lockFile(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }
