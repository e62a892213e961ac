package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/tandemkv/tandem"
	"github.com/tandemkv/tandem/internal/config"
)

func main() { os.Exit(run(os.Args[1:])) }

// run is the process from its command line to its exit code.
func run(args []string) int {
	if len(args) == 1 {
		switch args[0] {
		case "-v", "--version":
			fmt.Printf("Tandem server v=%s sha=00000000:0 malloc=go bits=64 build=0\n", tandem.Version)
			return 0
		case "-h", "--help":
			fmt.Print(usage)
			return 0
		}
	}
	o, err := tandem.Load(args, os.Stdin)
	if err != nil {
		return refuse(err)
	}
	if err := o.MakeDir(); err != nil {
		return refuse(err)
	}
	if o.Server.Daemonize {
		parent, err := daemonize()
		if err != nil {
			return refuse(err)
		}
		if parent {
			return 0
		}
	}
	if err := enterDir(o); err != nil {
		return refuse(err)
	}
	return serve(o)
}

// enterDir makes the data folder the working directory, as Redis does: logfile, pidfile and unixsocket may be relative to it.
func enterDir(o *tandem.Options) error {
	dir, err := filepath.Abs(o.Server.Dir)
	if err != nil {
		return err
	}
	o.Server.Dir = dir
	return os.Chdir(dir)
}

const usage = `Usage: tandem-server [/path/to/tandem.conf] [options] [-]
       tandem-server - (read the configuration from standard input)
       tandem-server -v or --version
       tandem-server -h or --help

Examples:
       tandem-server                            (a server of its own on port 6379)
       tandem-server --port 7777
       tandem-server --port 7777 --replicaof 127.0.0.1 8888
       tandem-server tandem.conf --node-id a    (a node of a pair)
       tandem-server witness.conf --witness     (the witness of a pair)

tandem.conf lists every directive.
`

func refuse(err error) int {
	var load *config.LoadError
	if errors.As(err, &load) {
		fmt.Fprint(os.Stderr, load.Fatal())
		return 1
	}
	fmt.Fprintf(os.Stderr, "tandem-server: %v\n", err)
	return 1
}

// serve runs the node until a signal, a client or a failure ends it.
func serve(o *tandem.Options) int {
	out, err := openLog(o.Server.LogFile)
	if err != nil {
		return refuse(err)
	}
	handler := tandem.NewLog(out, o.Server.LogLevel)
	o.Server.OnChange("loglevel", func() error { handler.SetLevel(o.Server.LogLevel); return nil })
	if o.Witness {
		handler.SetRole('W')
	}
	log := slog.New(handler)
	if err := handler.Banner(o, tandem.Version); err != nil {
		return refuse(err)
	}
	for _, line := range o.Directives().Explanations() {
		log.Info(line)
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE)
	if err := writePid(o); err != nil {
		log.Warn("the pid file could not be written", "file", o.Server.PidFile, "error", err)
	}
	defer removePid(o)
	node, err := tandem.Start(o, log)
	if err != nil {
		log.Error(err.Error())
		return 1
	}
	log.Info("Server initialized")
	log.Info("Ready to accept connections tcp", "port", node.Addr(), "rw", node.RWAddr(), "ro", node.ROAddr())
	code := 0
	select {
	case s := <-signals:
		log.Warn("Received " + s.String() + ", shutting down...")
	case <-node.Stopped():
	case err := <-node.Failed():
		log.Error("the node cannot go on", "error", err)
		code = 1
	}
	go func() {
		<-signals
		log.Warn("Received a second signal, exiting now.")
		os.Exit(1)
	}()
	if err := node.Close(); err != nil {
		log.Error("the end was not in order", "error", err)
		return 1
	}
	log.Warn("Tandem is now ready to exit, bye bye...")
	return code
}

// openLog opens the log for appending; empty is standard output.
func openLog(path string) (io.Writer, error) {
	if path == "" {
		return os.Stdout, nil
	}
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
}

func writePid(o *tandem.Options) error {
	if o.Server.PidFile == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(o.Server.PidFile), 0o755); err != nil {
		return err
	}
	return os.WriteFile(o.Server.PidFile, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644)
}

func removePid(o *tandem.Options) {
	if o.Server.PidFile != "" {
		os.Remove(o.Server.PidFile) // it may be gone already
	}
}
