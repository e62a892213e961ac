package tandemtest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"testing"
	"time"
)

// Client is one connection, for tests that want no client library. It belongs to one goroutine at a time.
type Client struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Reader
}

// ReplyError is an error reply of the server, such as "READONLY ...".
type ReplyError string

// Error is the text without the leading minus.
func (e ReplyError) Error() string { return string(e) }

// Dial connects to an address. The connection is closed at the end of the test.
func Dial(t testing.TB, address string) *Client {
	t.Helper()
	conn, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		t.Fatalf("connecting to %s: %v", address, err)
	}
	t.Cleanup(func() { conn.Close() }) // it may be closed already
	return &Client{t: t, conn: conn, in: bufio.NewReader(conn)}
}

// Close ends the connection.
func (c *Client) Close() { c.conn.Close() }

// Do sends one command and reads its reply: a string, an int64, nil, or a slice of these. A refusal is a ReplyError; any
// other error means that the connection is of no use any more.
func (c *Client) Do(args ...string) (any, error) {
	if err := c.Send(args...); err != nil {
		return nil, err
	}
	return c.Receive()
}

// Send sends a command and leaves its reply for Receive.
func (c *Client) Send(args ...string) error {
	line := fmt.Appendf(nil, "*%d\r\n", len(args))
	for _, a := range args {
		line = fmt.Appendf(line, "$%d\r\n%s\r\n", len(a), a)
	}
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, err := c.conn.Write(line)
	return err
}

// Receive reads one reply, or one message of a subscription.
func (c *Client) Receive() (any, error) {
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	return c.reply()
}

// Must is Do for a command that has to succeed.
func (c *Client) Must(args ...string) any {
	c.t.Helper()
	reply, err := c.Do(args...)
	if err != nil {
		c.t.Fatalf("%q: %v", args, err)
	}
	return reply
}

func (c *Client) reply() (any, error) {
	line, err := c.in.ReadString('\n')
	if err != nil {
		return nil, err
	}
	if len(line) < 3 {
		return nil, fmt.Errorf("this is no reply: %q", line)
	}
	text := line[1 : len(line)-2]
	switch line[0] {
	case '+':
		return text, nil
	case '-':
		return nil, ReplyError(text)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("this is no reply: %q", line)
	}
	switch line[0] {
	case ':':
		return n, nil
	case '$':
		return c.bulk(n)
	case '*':
		return c.array(n)
	}
	return nil, fmt.Errorf("this is no reply in RESP2: %q", line)
}

func (c *Client) bulk(n int64) (any, error) {
	if n < 0 {
		return nil, nil
	}
	data := make([]byte, n+2)
	if _, err := io.ReadFull(c.in, data); err != nil {
		return nil, err
	}
	return string(data[:n]), nil
}

// array gives the elements; an error among them is an element.
func (c *Client) array(n int64) (any, error) {
	if n < 0 {
		return nil, nil
	}
	all := make([]any, n)
	for i := range all {
		element, err := c.reply()
		refusal, refused := err.(ReplyError)
		switch {
		case refused:
			all[i] = refusal
		case err != nil:
			return nil, err
		default:
			all[i] = element
		}
	}
	return all, nil
}
