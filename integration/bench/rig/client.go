package rig

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/tandemkv/tandem/internal/resp"
)

// Client is a connection. It reads the replies that benchmarks need: statuses, errors, integers and strings.
type Client struct {
	conn   net.Conn
	reader *bufio.Reader
	out    []byte
	waits  int // commands in out
}

// Pipelined is how many commands Fill sends at once.
const Pipelined = 200

// Dial connects to a server.
func (s *Server) Dial() (*Client, error) {
	conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)))
	if err != nil {
		return nil, err
	}
	return &Client{conn: conn, reader: bufio.NewReaderSize(conn, 64<<10)}, nil
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }

// Do runs one command and gives its reply; a refusal is an error.
func (c *Client) Do(words ...string) (string, error) {
	c.Add(words...)
	if err := c.send(); err != nil {
		return "", err
	}
	return c.reply()
}

// Add puts a command into the pipeline.
func (c *Client) Add(words ...string) {
	c.out = resp.AppendCommandStrings(c.out, words...)
	c.waits++
}

// Flush sends the pipeline and reads all its replies.
func (c *Client) Flush() error {
	n := c.waits
	if err := c.send(); err != nil {
		return err
	}
	for range n {
		if _, err := c.reply(); err != nil {
			return err
		}
	}
	return nil
}

func (c *Client) send() error {
	_, err := c.conn.Write(c.out)
	c.out, c.waits = c.out[:0], 0
	if err != nil {
		return fmt.Errorf("sending: %w", err)
	}
	return nil
}

// Fill sends the commands from up to to, in pipelines, and reads all replies. add puts command i into the pipeline.
func (c *Client) Fill(from, to int, add func(c *Client, i int)) error {
	for i := from; i < to; i++ {
		add(c, i)
		if c.waits >= Pipelined || i == to-1 {
			if err := c.Flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Client) reply() (string, error) {
	line, err := c.reader.ReadSlice('\n')
	if err != nil {
		return "", fmt.Errorf("reading a reply: %w", err)
	}
	text := strings.TrimSuffix(string(line[1:]), "\r\n")
	switch line[0] {
	case '+', ':':
		return text, nil
	case '-':
		return "", errors.New("refused: " + text)
	case '$':
		return c.bulk(text)
	case '*':
		return "", c.array(text)
	}
	return "", fmt.Errorf("a reply of a kind that no benchmark asks for: %q", line)
}

func (c *Client) bulk(length string) (string, error) {
	n, err := strconv.Atoi(length)
	if err != nil {
		return "", fmt.Errorf("a string of length %q", length)
	}
	if n < 0 {
		return "", nil
	}
	text := make([]byte, n+2)
	if _, err := io.ReadFull(c.reader, text); err != nil {
		return "", fmt.Errorf("reading a reply: %w", err)
	}
	return string(text[:n]), nil
}

// array reads the replies within one, and forgets them.
func (c *Client) array(length string) error {
	n, err := strconv.Atoi(length)
	if err != nil {
		return fmt.Errorf("an array of length %q", length)
	}
	for range n {
		if _, err := c.reply(); err != nil {
			return err
		}
	}
	return nil
}

// Info gives a field of a section of INFO, "" when it is not there. With a part ("max" of "p50=1,max=2") it gives that part.
func (c *Client) Info(section, name, part string) (string, error) {
	text, err := c.Do("INFO", section)
	if err != nil {
		return "", err
	}
	for _, line := range strings.Split(text, "\r\n") {
		value, found := strings.CutPrefix(line, name+":")
		if !found {
			continue
		}
		if part == "" {
			return value, nil
		}
		for _, one := range strings.Split(value, ",") {
			if figure, found := strings.CutPrefix(one, part+"="); found {
				return figure, nil
			}
		}
	}
	return "", nil
}

// Figure is Info for a number that must be there.
func (c *Client) Figure(section, name, part string) (float64, error) {
	text, err := c.Info(section, name, part)
	if err != nil {
		return 0, err
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("INFO %s has %q for %s %s, expected a number", section, text, name, part)
	}
	return value, nil
}

// Await asks for a field of INFO until it has the value.
func (c *Client) Await(section, name, value string, patience time.Duration) error {
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for until := time.Now().Add(patience); ; <-again.C {
		got, err := c.Info(section, name, "")
		if err != nil || got == value {
			return err
		}
		if time.Now().After(until) {
			return fmt.Errorf("INFO %s has %s %q after %s, expected %q", section, name, got, patience, value)
		}
	}
}
