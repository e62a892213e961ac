package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tandemkv/tandem/integration/bench/rig"
)

// options are the flags.
type options struct {
	pairs     int
	requests  int // per command at pipeline 1; ten times as many above
	clients   int
	keys      int
	pipelines []int
	commands  []string
	tandem    string // path of tandem-server, "" to build it
	redis     string // path of redis-server
	markdown  string // file to write the table to, or ""
}

func main() {
	o, err := readFlags(os.Args[1:])
	if err == nil {
		err = run(o, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func readFlags(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ExitOnError)
	flags.IntVar(&o.pairs, "pairs", 5, "number of pairs of rounds")
	flags.IntVar(&o.requests, "n", 100_000, "requests per command at pipeline 1; ten times as many above")
	flags.IntVar(&o.clients, "c", 50, "connections")
	flags.IntVar(&o.keys, "r", 100_000, "number of different keys, members and fields")
	pipelines := flags.String("P", "1,16", "pipeline depths")
	commands := flags.String("t", "set,get,incr,lpush,hset,zadd,mset", "commands, as redis-benchmark names them")
	quick := flags.Bool("quick", false, "one pair with 20,000 requests: a smoke run, not a measurement")
	flags.StringVar(&o.tandem, "tandem", "", "tandem-server to measure (built from the checkout by default)")
	flags.StringVar(&o.redis, "redis", "redis-server", "redis-server to compare with")
	flags.StringVar(&o.markdown, "md", "", "also write the report to this file")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.commands = strings.Split(*commands, ",")
	for _, text := range strings.Split(*pipelines, ",") {
		depth, err := strconv.Atoi(text)
		if err != nil || depth < 1 {
			return o, fmt.Errorf("pipeline depth %q is not a positive number", text)
		}
		o.pipelines = append(o.pipelines, depth)
	}
	if *quick {
		o.pairs, o.requests = 1, 20_000
	}
	if o.pairs < 1 || o.requests < 1 || o.clients < 1 || o.keys < 1 {
		return o, fmt.Errorf("-pairs, -n, -c and -r must be positive")
	}
	return o, nil
}

// run measures all pairs and prints the report.
func run(o options, out io.Writer) error {
	folder, err := os.MkdirTemp("", "tandem-bench-")
	if err != nil {
		return fmt.Errorf("making a folder for the servers: %w", err)
	}
	defer os.RemoveAll(folder)
	if o.tandem == "" {
		if o.tandem, err = rig.Build(folder); err != nil {
			return err
		}
	}
	r := report{options: o, results: map[series]*ratios{}}
	for pair := range o.pairs {
		fmt.Fprintf(out, "pair %d of %d: redis", pair+1, o.pairs)
		redis, err := round(o, o.redis, filepath.Join(folder, fmt.Sprintf("redis-%d", pair)))
		if err != nil {
			return fmt.Errorf("measuring redis-server: %w", err)
		}
		fmt.Fprint(out, ", tandem")
		tandem, err := round(o, o.tandem, filepath.Join(folder, fmt.Sprintf("tandem-%d", pair)))
		if err != nil {
			return fmt.Errorf("measuring tandem-server: %w", err)
		}
		fmt.Fprintln(out)
		r.add(redis, tandem)
	}
	text := r.markdown(rig.Describe(o.redis), rig.Describe(o.tandem))
	fmt.Fprint(out, "\n", text)
	if o.markdown != "" {
		return os.WriteFile(o.markdown, []byte(text), 0o644)
	}
	return nil
}
