package freeport

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
)

const (
	portMin = 11000
	portMax = 32000
)

// Find gives n different ports of 127.0.0.1 that are free for TCP and UDP at the moment.
func Find(n int) (ports []int, err error) {
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
		ln, err := net.Listen("tcp", Address(port))
		if err != nil {
			continue
		}
		held = append(held, ln) // and not found twice
		udp, err := net.ListenPacket("udp", Address(port))
		if err != nil {
			continue
		}
		held = append(held, udp)
		ports = append(ports, port)
	}
	return ports, nil
}

// Address is 127.0.0.1 with a port.
func Address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
