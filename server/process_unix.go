//go:build unix

package server

import (
	"syscall"
	"time"
)

func infoCPU(x *executor, b *infoText) {
	var self, children syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &self) != nil || syscall.Getrusage(syscall.RUSAGE_CHILDREN, &children) != nil {
		return // INFO without the figures is better than none
	}
	seconds := func(t syscall.Timeval) float64 { return time.Duration(t.Nano()).Seconds() }
	b.line("used_cpu_sys", seconds(self.Stime))
	b.line("used_cpu_user", seconds(self.Utime))
	b.line("used_cpu_sys_children", seconds(children.Stime))
	b.line("used_cpu_user_children", seconds(children.Utime))
}
