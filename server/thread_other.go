//go:build !linux

package server

// readThreadTime: this system does not tell.
func readThreadTime() threadTime { return threadTime{} }
