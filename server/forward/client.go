package forward

import (
	"errors"
	"io"
	"net"

	"github.com/tandemkv/tandem/internal/resp"
)

const (
	readBytes    = 32 << 10
	bufferKeptIn = 1 << 20 // a buffer grown for a large command is given back above this
)

// clientSide frames what the client sends and enters it in the ledger.
type clientSide struct {
	conn   net.Conn
	ledger *ledger
	opts   Options
	roles  roleTable
	reader resp.Reader

	buf      []byte // read and not framed
	opaque   bool
	lastRole role // of the last command
	// txRepeatable: since MULTI nothing came that changes data.
	txRepeatable bool
}

// run reads until the client ends or the session does. It returns nil if the client has closed its sending side.
func (c *clientSide) run() error {
	for {
		more, err := c.frame()
		if err != nil || !more {
			return err
		}
		if err := c.read(); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}

func (c *clientSide) read() error {
	if room := max(readBytes, min(c.reader.NeedBytes()-len(c.buf), 1<<20)); cap(c.buf)-len(c.buf) < room {
		grown := make([]byte, len(c.buf), max(2*cap(c.buf), len(c.buf)+room))
		copy(grown, c.buf)
		c.buf = grown
	}
	n, err := c.conn.Read(c.buf[len(c.buf):cap(c.buf)])
	c.buf = c.buf[:len(c.buf)+n]
	if n > 0 {
		return nil
	}
	return err
}

// frame enters every whole command of the buffer. more is false when nothing further is to be read.
func (c *clientSide) frame() (more bool, err error) {
	var batch []command
	at := 0
	for at < len(c.buf) && !c.opaque {
		c.reader.Unauthenticated = c.opts.StrangersLimited && !c.ledger.authenticated()
		args, used, perr := c.reader.Next(c.buf[at:])
		if perr != nil {
			last := resp.ProtocolError("")
			if !errors.As(perr, &last) {
				return false, perr
			}
			batch = append(batch, command{raw: []byte("-ERR " + last.Error() + "\r\n"), barrier: sayAndClose})
			c.ledger.add(batch)
			return false, nil
		}
		if used == 0 {
			break
		}
		if len(args) > 0 {
			batch = append(batch, c.classify(args, at, used))
		}
		at += used
		if c.reader.Unauthenticated && (c.lastRole == auth || c.lastRole == helloAuth) {
			break // which limits hold for the rest depends on the reply
		}
	}
	if c.opaque && at < len(c.buf) {
		batch = append(batch, command{raw: c.buf[at:len(c.buf)], role: opaque, barrier: becomeOpaque})
		at = len(c.buf)
	}
	own(batch)
	c.buf = c.buf[:copy(c.buf, c.buf[at:])]
	if len(c.buf) == 0 && cap(c.buf) > bufferKeptIn {
		c.buf = nil
	}
	if len(batch) == 0 {
		return true, nil
	}
	if !c.ledger.add(batch) {
		return false, nil
	}
	if c.reader.Unauthenticated && (c.lastRole == auth || c.lastRole == helloAuth) {
		c.ledger.awaitEmpty()
		return c.frame()
	}
	return true, nil
}

func (c *clientSide) classify(args [][]byte, at, used int) command {
	cmd := command{raw: c.buf[at : at+used]}
	row, ok := c.roles.find(args)
	if ok {
		cmd.role, cmd.repeatable = row.role, row.repeatable
	} else {
		cmd.repeatable = c.opts.Repeatable(args)
	}
	c.lastRole = cmd.role
	switch cmd.role {
	case opaque:
		cmd.barrier = becomeOpaque
		c.opaque = true
	case multi:
		c.txRepeatable = true
	case exec:
		cmd.repeatable = c.txRepeatable
	default:
		c.txRepeatable = c.txRepeatable && cmd.repeatable
	}
	return cmd
}

// own moves the commands' bytes out of the read buffer, in one piece.
func own(batch []command) {
	total := 0
	for _, c := range batch {
		total += len(c.raw)
	}
	all := make([]byte, 0, total)
	for i, c := range batch {
		all = append(all, c.raw...)
		batch[i].raw = all[len(all)-len(c.raw) : len(all) : len(all)]
	}
}
