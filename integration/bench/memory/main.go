package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	n := flag.Int("n", 1_000_000, "items of the small shapes; collections are a quarter of it")
	only := flag.String("t", "", "measure the shapes whose name contains this")
	tandem := flag.String("tandem", "", "tandem-server to measure (built from the checkout by default)")
	redis := flag.String("redis", "redis-server", "redis-server to compare with")
	flag.Parse()
	if err := run(*n, *only, *tandem, *redis); err != nil {
		fmt.Fprintln(os.Stderr, "memory:", err)
		os.Exit(1)
	}
}

func run(n int, only, tandem, redis string) (err error) {
	folder, err := os.MkdirTemp("", "tandem-memory-")
	if err != nil {
		return fmt.Errorf("making a folder for the servers: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	if tandem == "" {
		tandem = filepath.Join(folder, "tandem-server")
		if out, err := exec.Command("go", "build", "-o", tandem, "./cmd/tandem-server").CombinedOutput(); err != nil {
			return fmt.Errorf("building tandem-server: %w\n%s", err, out)
		}
	}
	fmt.Printf("| %-24s | %8s | %8s | %6s |\n|%s|\n", "item", "Redis B", "Tandem B", "ratio", strings.Repeat("-", 57))
	for i, of := range shapes() {
		if !strings.Contains(of.name, only) {
			continue
		}
		theirs, err := measure(redis, filepath.Join(folder, fmt.Sprint("redis-", i)), of, n)
		if err != nil {
			return err
		}
		ours, err := measure(tandem, filepath.Join(folder, fmt.Sprint("tandem-", i)), of, n)
		if err != nil {
			return err
		}
		fmt.Printf("| %-24s | %8.1f | %8.1f | %6.2f |\n", of.name, theirs, ours, ours/theirs)
	}
	return nil
}

// measure gives the bytes of one item.
func measure(binary, folder string, of shape, n int) (bytes float64, err error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return 0, fmt.Errorf("making the server's folder: %w", err)
	}
	s, err := start(binary, folder)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	n /= of.share
	if err := s.fill(of, 0, n/10); err != nil {
		return 0, err
	}
	before, err := s.residentBytes()
	if err != nil {
		return 0, err
	}
	if err := s.fill(of, n/10, n); err != nil {
		return 0, err
	}
	after, err := s.residentBytes()
	if err != nil {
		return 0, err
	}
	return (after - before) / float64(n-n/10), nil
}
