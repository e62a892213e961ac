//go:build !linux

package forward

import (
	"syscall"
	"time"
)

// deadHostControl has nothing to set here: keepalive alone notices a dead host.
func deadHostControl(time.Duration) func(network, address string, c syscall.RawConn) error {
	return nil
}
