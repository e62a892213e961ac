package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tandemkv/tandem/internal/resp"
)

const (
	startTimeout = 30 * time.Second
	stopTimeout  = 30 * time.Second
	pipeline     = 500
)

// server is a running process and a connection to it.
type server struct {
	cmd    *exec.Cmd
	exited chan error
	conn   net.Conn
	reader *bufio.Reader
	out    resp.Writer
}

func start(binary, folder string) (*server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("looking for a free port: %w", err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		return nil, fmt.Errorf("looking for a free port: %w", err)
	}
	_, port, _ := strings.Cut(address, ":")
	s := &server{exited: make(chan error, 1)}
	s.cmd = exec.Command(binary, "--port", port, "--bind", "127.0.0.1", "--dir", folder, "--daemonize", "no",
		"--appendonly", "no", "--save", "")
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", binary, err)
	}
	go func() { s.exited <- s.cmd.Wait() }()
	if err := s.connect(address); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

func (s *server) connect(address string) error {
	deadline := time.After(startTimeout)
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			s.conn, s.reader = conn, bufio.NewReaderSize(conn, 64<<10)
			return nil
		}
		select {
		case err := <-s.exited:
			s.exited <- err
			return fmt.Errorf("the server ended before it answered: %w", err)
		case <-deadline:
			return fmt.Errorf("the server does not answer: %w", err)
		case <-again.C:
		}
	}
}

// fill sends the items [from, to) in pipelines and reads all replies.
func (s *server) fill(of shape, from, to int) error {
	for at := from; at < to; at += pipeline {
		end := min(at+pipeline, to)
		s.out.Buf = s.out.Buf[:0]
		for i := at; i < end; i++ {
			words := of.command(i)
			s.out.Array(len(words))
			for _, word := range words {
				s.out.BulkString(word)
			}
		}
		if _, err := s.conn.Write(s.out.Buf); err != nil {
			return fmt.Errorf("sending: %w", err)
		}
		for range end - at {
			line, err := s.reader.ReadSlice('\n')
			if err != nil {
				return fmt.Errorf("reading a reply: %w", err)
			}
			if line[0] == '-' {
				return fmt.Errorf("refused: %s", line)
			}
		}
	}
	return nil
}

// residentBytes is VmRSS once it has stopped moving by more than a hundredth within a second.
func (s *server) residentBytes() (float64, error) {
	last := 0.0
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.cmd.Process.Pid))
		if err != nil {
			return 0, fmt.Errorf("reading the server's memory: %w", err)
		}
		pages, err := strconv.ParseFloat(strings.Fields(string(text))[1], 64)
		if err != nil {
			return 0, fmt.Errorf("reading the server's memory: %w", err)
		}
		now := pages * float64(os.Getpagesize())
		if last > 0 && now > last*0.99 && now < last*1.01 {
			return now, nil
		}
		last = now
		<-tick.C
	}
}

func (s *server) stop() error {
	if s.conn != nil {
		if err := s.conn.Close(); err != nil {
			return fmt.Errorf("closing the connection: %w", err)
		}
	}
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
	return nil
}
