package rig

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const startTimeout = 30 * time.Second

// Side is one of the two that are compared.
type Side int

const (
	Redis Side = iota
	Tandem
)

func (s Side) String() string { return [...]string{"redis-server", "tandem-server"}[s] }

// Sides are both, in the order of the columns.
func Sides() []Side { return []Side{Redis, Tandem} }

// Server is a running process.
type Server struct {
	Port   int
	cmd    *exec.Cmd
	log    string // file name
	exited chan error
}

// InMemory are the arguments for a server without persistence.
func InMemory() []string { return []string{"--appendonly", "no", "--save", ""} }

// Start runs a side with the arguments and a folder of its own.
func (b *Bench) Start(side Side, args ...string) (*Server, error) {
	b.started++
	binary := b.Redis
	if side == Tandem {
		binary = b.Tandem
	}
	return Start(binary, filepath.Join(b.Folder, fmt.Sprintf("%s-%d", side, b.started)), args...)
}

// Start runs a server on a free loopback port and waits until it answers.
func Start(binary, folder string, args ...string) (*Server, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("making the server's folder: %w", err)
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &Server{Port: port, log: filepath.Join(folder, "server.log"), exited: make(chan error, 1)}
	s.cmd = exec.Command(binary, append([]string{
		"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", folder, "--daemonize", "no",
	}, args...)...)
	log, err := os.Create(s.log)
	if err != nil {
		return nil, fmt.Errorf("making the server's log: %w", err)
	}
	defer log.Close()
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", binary, err)
	}
	go func() { s.exited <- s.cmd.Wait() }()
	if err := s.awaitPong(); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// PID is the process' id.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// freePort asks the system for a port that nobody uses at the moment.
func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("looking for a free port: %w", err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	return port, listener.Close()
}

// awaitPong pings until the server answers, has ended, or takes too long.
func (s *Server) awaitPong() error {
	deadline := time.After(startTimeout)
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		if s.pong() {
			return nil
		}
		select {
		case err := <-s.exited:
			s.exited <- err
			return fmt.Errorf("the server ended before it answered: %w\n%s", err, s.logTail())
		case <-deadline:
			return fmt.Errorf("the server did not answer within %s\n%s", startTimeout, s.logTail())
		case <-again.C:
		}
	}
}

func (s *Server) pong() bool {
	c, err := s.Dial()
	if err != nil {
		return false
	}
	defer c.Close()
	if err := c.conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return false
	}
	answer, err := c.Do("PING")
	return err == nil && answer == "PONG"
}

// Stop ends the server's process at once: its data are not needed any more, and a last checkpoint of them would take
// longer than the measurement.
func (s *Server) Stop() error {
	if err := s.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("killing the server: %w", err)
	}
	<-s.exited // its exit code says nothing about the measurement
	return nil
}

// logTail returns the last lines of the server's log for an error.
func (s *Server) logTail() string {
	text, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-10):], "\n")
}
