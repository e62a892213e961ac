package main

import (
	"bufio"
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
	startTimeout = 30 * time.Second
	stopTimeout  = 30 * time.Second
)

// server is a running process.
type server struct {
	cmd    *exec.Cmd
	port   int
	log    string // file name
	exited chan error
}

// start runs a server on a free loopback port and waits until it answers. Both
// servers get the same settings: a log synced every second and nothing else.
func start(binary, folder string) (*server, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("making the server's folder: %w", err)
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &server{port: port, log: filepath.Join(folder, "server.log"), exited: make(chan error, 1)}
	s.cmd = exec.Command(binary,
		"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", folder, "--daemonize", "no",
		"--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--auto-aof-rewrite-percentage", "0")
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
		return nil, firstOf(err, s.stop())
	}
	return s, nil
}

func (s *server) pid() int { return s.cmd.Process.Pid }

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
func (s *server) awaitPong() error {
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

func (s *server) pong() bool {
	conn, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)), time.Second)
	if err != nil {
		return false
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return false
	}
	if _, err := io.WriteString(conn, "PING\r\n"); err != nil {
		return false
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	return err == nil && strings.HasPrefix(answer, "+PONG")
}

// stop ends the server politely, then by force, always by its own process.
func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stopping the server: %w", err)
	}
	select {
	case <-s.exited: // its exit code says nothing about the measurement
		return nil
	case <-time.After(stopTimeout):
	}
	if err := s.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("killing the server: %w", err)
	}
	<-s.exited
	return fmt.Errorf("the server did not end within %s of SIGTERM\n%s", stopTimeout, s.logTail())
}

// logTail returns the last lines of the server's log for an error.
func (s *server) logTail() string {
	text, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-10):], "\n")
}
