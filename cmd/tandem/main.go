package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// subcommand is one row of the command line.
type subcommand struct {
	name, summary string
	run           func(ctx context.Context, s streams, args []string) error
}

// streams are where a subcommand reads its surroundings and writes.
type streams struct {
	out, err io.Writer
	getenv   func(string) string
}

func subcommands() []subcommand {
	return []subcommand{
		{"status", "who is master, and how far is everyone", runStatus},
		{"switchover", "hand the reign over to a standby", runSwitchover},
		{"pair", "run a master, a standby and a witness on loopback", runPair},
	}
}

// errUsage wraps what was wrong with a command line.
var errUsage = errors.New("usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, streams{out: os.Stdout, err: os.Stderr, getenv: os.Getenv}, os.Args[1:])
	stop()
	os.Exit(code)
}

// run returns the exit code.
func run(ctx context.Context, s streams, args []string) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		help(s.out)
		if len(args) == 0 {
			return 2
		}
		return 0
	}
	for _, c := range subcommands() {
		if c.name != args[0] {
			continue
		}
		err := c.run(ctx, s, args[1:])
		switch {
		case err == nil, errors.Is(err, flag.ErrHelp):
			return 0
		case errors.Is(err, errUsage):
			fmt.Fprintln(s.err, "tandem "+c.name+":", err)
			return 2
		}
		fmt.Fprintln(s.err, "tandem "+c.name+":", err)
		return 1
	}
	fmt.Fprintf(s.err, "tandem: there is no subcommand %q\n\n", args[0])
	help(s.err)
	return 2
}

func help(w io.Writer) {
	fmt.Fprint(w, "tandem shows and moves a pair of tandem-servers.\n\n")
	for _, c := range subcommands() {
		fmt.Fprintf(w, "  tandem %-11s %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, "\n`tandem <subcommand> -h` lists the flags. A password comes from REDISCLI_AUTH or from --pass-file.\n")
}

// newFlags makes a flag set that reports to the streams and ends nothing by itself.
func newFlags(s streams, name, usage string) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(s.err)
	f.Usage = func() {
		fmt.Fprintf(s.err, "usage: tandem %s %s\n", name, usage)
		f.PrintDefaults()
	}
	return f
}

// parse reads flags and refuses anything else.
func parse(f *flag.FlagSet, args []string) error {
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if f.NArg() > 0 {
		return fmt.Errorf("%w: %q is not a flag", errUsage, f.Arg(0))
	}
	return nil
}
