//go:build unix

package main

import (
	"os"
	"os/exec"
	"syscall"
)

// daemonMark tells the child that it is the daemon.
const daemonMark = "TANDEM_DAEMON"

// daemonize starts this program again in a session of its own. parent: this process has done its part.
func daemonize() (parent bool, err error) {
	if os.Getenv(daemonMark) != "" {
		return false, os.Unsetenv(daemonMark)
	}
	self, err := os.Executable()
	if err != nil {
		return false, err
	}
	child := exec.Command(self, os.Args[1:]...)
	child.Env = append(os.Environ(), daemonMark+"=1")
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return true, child.Start()
}
