package rig

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Program is one benchmark.
type Program struct {
	Name  string
	Flags func(f *flag.FlagSet) // its own flags; may be nil
	Run   func(b *Bench) (*Table, error)
}

// Bench is what a program works with.
type Bench struct {
	Redis, Tandem string    // the servers' binaries
	Folder        string    // for their files; removed at the end
	Progress      io.Writer // lines for whoever waits
	started       int
}

// Main runs a program with the process' arguments, and ends the process if it fails.
func Main(p Program) {
	if err := Run(p, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", p.Name, err)
		os.Exit(1)
	}
}

// Run runs a program and writes its table to out, as Markdown.
func Run(p Program, args []string, out, progress io.Writer) (err error) {
	flags := flag.NewFlagSet(p.Name, flag.ContinueOnError)
	flags.SetOutput(progress)
	tandem := flags.String("tandem", "", "tandem-server to measure (built from the checkout by default)")
	redis := flags.String("redis", "redis-server", "redis-server to compare with")
	markdown := flags.String("md", "", "also append the table to this file")
	if p.Flags != nil {
		p.Flags(flags)
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	b := &Bench{Redis: *redis, Tandem: *tandem, Progress: progress}
	if b.Folder, err = os.MkdirTemp("", "tandem-"+p.Name+"-"); err != nil {
		return fmt.Errorf("making a folder for the servers: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.Folder)) }()
	if b.Tandem == "" {
		if b.Tandem, err = Build(b.Folder); err != nil {
			return err
		}
	}
	table, err := p.Run(b)
	if err != nil {
		return err
	}
	text := table.Markdown()
	if _, err := io.WriteString(out, text); err != nil || *markdown == "" {
		return err
	}
	return appendTo(*markdown, text)
}

func appendTo(file, text string) (err error) {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = io.WriteString(f, text)
	return err
}

// Say tells whoever waits what is going on.
func (b *Bench) Say(format string, args ...any) { fmt.Fprintf(b.Progress, format+"\n", args...) }

// Add adds a row to a table that takes long, and tells it at once.
func (b *Bench) Add(t *Table, r Row) {
	t.Add(r)
	b.Say("%s: Redis %s, Tandem %s, figure %s, bar %s, met: %s", r.What, r.Redis, r.Tandem, r.Figure, r.Bar, r.Met)
}

// Build compiles tandem-server from the checkout that the working directory is in.
func Build(folder string) (string, error) {
	binary := filepath.Join(folder, "tandem-server")
	cmd := exec.Command("go", "build", "-o", binary, "github.com/tandemkv/tandem/cmd/tandem-server")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building tandem-server: %w\n%s", err, out)
	}
	return binary, nil
}

// Describe asks a server's binary for its version.
func Describe(binary string) string {
	out, err := exec.Command(binary, "--version").Output()
	if err != nil {
		return binary
	}
	return strings.TrimSpace(string(out))
}
