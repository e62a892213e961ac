package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	pidName   = "tandem.pid"
	logName   = "tandem.log"
	stopLimit = 15 * time.Second // after this a child that was asked to end is killed
	tailBytes = 2048
)

// child is a member that runs.
type child struct {
	member
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // how; read after done
}

func (m member) pidFile() string { return filepath.Join(m.dir, pidName) }
func (m member) logFile() string { return filepath.Join(m.dir, logName) }

// free reports what stands in the way of starting the member.
func (m member) free() error {
	if pid, ok := m.runs(); ok {
		return fmt.Errorf("node %s is running already, with pid %d (%s); end it with: kill %d", m.id, pid, m.pidFile(), pid)
	}
	for _, a := range m.addresses() {
		l, err := net.Listen("tcp", a.addr)
		if err != nil {
			return fmt.Errorf("node %s cannot have its %s %s: %w", m.id, a.name, a.addr, err)
		}
		if err := l.Close(); err != nil {
			return err
		}
	}
	return nil
}

// runs reports the process of the pid file, if there is one and it is a tandem-server. A pid may have been given to
// another program since; where the system tells the names of processes, that is seen.
func (m member) runs() (pid int, ok bool) {
	text, err := os.ReadFile(m.pidFile())
	if err != nil {
		return 0, false
	}
	pid, err = strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 0 {
		return 0, false
	}
	if err := syscall.Kill(pid, 0); err != nil && !errors.Is(err, syscall.EPERM) {
		return 0, false
	}
	name, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	return pid, err != nil || strings.Contains(string(name), "tandem-server")
}

// start runs the member. Its output before the log is open, and a panic, go to the log file as well.
func (m member) start(server string) (*child, error) {
	if err := os.MkdirAll(m.dir, 0o755); err != nil {
		return nil, err
	}
	out, err := os.OpenFile(m.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	c := &child{member: m, done: make(chan struct{})}
	c.cmd = exec.Command(server, m.conf, "--dir", m.dir, "--pidfile", m.pidFile(), "--logfile", m.logFile(), "--daemonize", "no")
	c.cmd.Stdout, c.cmd.Stderr = out, out
	// A group of its own: Ctrl-C comes to us, and we end the children in order.
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting node %s: %w", m.id, err)
	}
	go func() {
		c.err = c.cmd.Wait()
		close(c.done)
	}()
	return c, nil
}

func (c *child) pid() int { return c.cmd.Process.Pid }

func (c *child) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// how says in words how the child ended.
func (c *child) how() string {
	if c.err == nil {
		return "exit status 0"
	}
	return c.err.Error()
}

// stop ends the child: politely, and after a while not so.
func (c *child) stop() (forced bool) {
	if c.ended() {
		return false
	}
	// An error means that it has ended meanwhile.
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.done:
		return false
	case <-time.After(stopLimit):
		_ = c.cmd.Process.Kill()
		<-c.done
		return true
	}
}

// tail is the end of the child's log, for the screen.
func (m member) tail() string {
	f, err := os.Open(m.logFile())
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > tailBytes {
		if _, err := f.Seek(-tailBytes, io.SeekEnd); err != nil {
			return err.Error()
		}
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text))
}
