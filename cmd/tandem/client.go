package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/tandemkv/tandem/internal/resp"
)

const (
	dialTimeout   = time.Second
	replyTimeout  = 3 * time.Second
	replyBytesMax = 16 << 20
	defaultAddr   = "127.0.0.1:6379"
)

// access is how nodes are reached: the flags that status and switchover share.
type access struct {
	addrs    addrList
	user     string
	passFile string
	password string
}

// addrList is a flag that may be repeated.
type addrList []string

func (l *addrList) String() string { return strings.Join(*l, ",") }

// Set adds addresses, also several with commas between them.
func (l *addrList) Set(value string) error {
	for _, a := range strings.Split(value, ",") {
		if _, _, err := net.SplitHostPort(a); err != nil {
			return fmt.Errorf("%q is not host:port", a)
		}
		*l = append(*l, a)
	}
	return nil
}

func (a *access) flags(f *flag.FlagSet) {
	f.Var(&a.addrs, "addr", "host:port of a node; may be repeated (default "+defaultAddr+")")
	f.StringVar(&a.user, "user", "", "ACL user; empty: the default user")
	f.StringVar(&a.passFile, "pass-file", "", "file whose first line is the password (default: the environment variable REDISCLI_AUTH)")
}

// complete fills in what the flags left open.
func (a *access) complete(s streams) error {
	if len(a.addrs) == 0 {
		a.addrs = addrList{defaultAddr}
	}
	a.password = s.getenv("REDISCLI_AUTH")
	if a.passFile != "" {
		text, err := os.ReadFile(a.passFile)
		if err != nil {
			return fmt.Errorf("reading the password: %w", err)
		}
		a.password, _, _ = strings.Cut(string(text), "\n")
		a.password = strings.TrimSuffix(a.password, "\r")
	}
	return nil
}

// client speaks with one node.
type client struct {
	conn net.Conn
	r    *bufio.Reader
}

// errReply is a reply that is an error.
type errReply string

func (e errReply) Error() string { return string(e) }

func (a *access) dial(ctx context.Context, addr string) (*client, error) {
	d := net.Dialer{Timeout: dialTimeout}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	c := &client{conn: conn, r: bufio.NewReader(conn)}
	if a.password == "" {
		return c, nil
	}
	words := []string{"AUTH", a.password}
	if a.user != "" {
		words = []string{"AUTH", a.user, a.password}
	}
	if _, err := c.do(replyTimeout, words...); err != nil {
		conn.Close()
		return nil, fmt.Errorf("authenticating with %s: %w", addr, err)
	}
	return c, nil
}

func (c *client) close() { c.conn.Close() }

// do sends a command and returns its reply: a string, or an errReply.
func (c *client) do(timeout time.Duration, words ...string) (string, error) {
	if err := c.conn.SetDeadline(time.Now().Add(timeout)); err != nil {
		return "", err
	}
	if _, err := c.conn.Write(resp.AppendCommandStrings(nil, words...)); err != nil {
		return "", err
	}
	return c.reply()
}

func (c *client) reply() (string, error) {
	line, err := c.r.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", errors.New("the reply is not RESP")
	}
	switch line[0] {
	case '+', ':':
		return line[1:], nil
	case '-':
		return "", errReply(line[1:])
	case '$':
		n, err := strconv.Atoi(line[1:])
		if err != nil || n < 0 || n > replyBytesMax {
			return "", fmt.Errorf("the reply is not as expected: %.40q", line)
		}
		body := make([]byte, n+2)
		if _, err := io.ReadFull(c.r, body); err != nil {
			return "", err
		}
		return string(body[:n]), nil
	}
	return "", fmt.Errorf("the reply is not as expected: %.40q", line)
}
