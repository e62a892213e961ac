package tandemtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
)

// Ports are taken from below what systems give to outgoing connections: so that none of those can hold the port of a
// node that is to be started again.
const (
	portMin = 11000
	portMax = 32000
)

// freePorts finds ports of loopback that are free for TCP and UDP.
func freePorts(n int) (ports []int, err error) {
	var held []interface{ Close() error }
	defer func() {
		for _, h := range held {
			err = errors.Join(err, h.Close())
		}
	}()
	for tries := 0; len(ports) < n; tries++ {
		if tries == 1000 {
			return nil, errors.New("no free ports on loopback")
		}
		port := portMin + rand.IntN(portMax-portMin)
		ln, err := net.Listen("tcp", loopback(port))
		if err != nil {
			continue
		}
		held = append(held, ln) // and not found twice
		udp, err := net.ListenPacket("udp", loopback(port))
		if err != nil {
			continue
		}
		held = append(held, udp)
		ports = append(ports, port)
	}
	return ports, nil
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// taken tells whether a start failed because somebody else was quicker with a port.
func taken(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }

// addresses of one node.
type addresses struct{ node, rw, ro, gossip int }

func newAddresses() (addresses, error) {
	p, err := freePorts(4)
	if err != nil {
		return addresses{}, fmt.Errorf("ports of a node: %w", err)
	}
	return addresses{p[0], p[1], p[2], p[3]}, nil
}
