//go:build !unix

package agent

import "os"

// lockFile has nothing to offer here; the gossip port, which only one process can have, is the guard that remains.
func lockFile(*os.File) error { return nil }
