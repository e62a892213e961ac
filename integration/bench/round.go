package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"

	"github.com/tandemkv/tandem/integration/bench/rig"
)

// series is one row of the report.
type series struct {
	command  string
	pipeline int
}

// sample is what one run of redis-benchmark measured.
type sample struct {
	perSecond float64 // requests per second
	cpuMicros float64 // server CPU per request, in microseconds
}

// round starts a server, runs every series against it, and stops it.
func round(o options, binary, folder string) (map[series]sample, error) {
	s, err := rig.Start(binary, folder, withLog()...)
	if err != nil {
		return nil, err
	}
	samples := map[series]sample{}
	for _, pipeline := range o.pipelines {
		for _, command := range o.commands {
			one := series{command, pipeline}
			if samples[one], err = measure(o, s, one); err != nil {
				return nil, fmt.Errorf("%s at pipeline %d: %w", command, pipeline, errors.Join(err, s.Stop()))
			}
		}
	}
	return samples, s.Stop()
}

// withLog are the settings of both servers: a log synced every second and nothing else.
func withLog() []string {
	return []string{"--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--auto-aof-rewrite-percentage", "0"}
}

func measure(o options, s *rig.Server, one series) (sample, error) {
	requests := o.requests
	if one.pipeline > 1 {
		requests *= 10 // or the clock tick of /proc is too coarse
	}
	before, err := s.CPU()
	if err != nil {
		return sample{}, err
	}
	cmd := exec.Command("redis-benchmark", "-h", "127.0.0.1", "-p", strconv.Itoa(s.Port), "--csv",
		"-t", one.command, "-n", strconv.Itoa(requests), "-c", strconv.Itoa(o.clients),
		"-P", strconv.Itoa(one.pipeline), "-r", strconv.Itoa(o.keys))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return sample{}, fmt.Errorf("redis-benchmark: %w: %s%s", err, stderr.String(), out)
	}
	after, err := s.CPU()
	if err != nil {
		return sample{}, err
	}
	perSecond, err := throughput(string(out))
	if err != nil {
		return sample{}, err
	}
	cpu := float64((after - before).Microseconds())
	return sample{perSecond: perSecond, cpuMicros: cpu / float64(requests)}, nil
}

// throughput finds the requests per second in redis-benchmark's CSV.
func throughput(text string) (float64, error) {
	// Warnings come before the table; the table begins with its header.
	begin := strings.Index(text, `"test","rps"`)
	if begin < 0 {
		return 0, fmt.Errorf("redis-benchmark printed no table: %q", text)
	}
	rows, err := csv.NewReader(strings.NewReader(text[begin:])).ReadAll()
	if err != nil {
		return 0, fmt.Errorf("reading redis-benchmark's table: %w", err)
	}
	if len(rows) != 2 {
		return 0, fmt.Errorf("redis-benchmark's table has %d rows, expected a header and one more", len(rows))
	}
	perSecond, err := strconv.ParseFloat(rows[1][1], 64)
	if err != nil || perSecond <= 0 {
		return 0, fmt.Errorf("redis-benchmark's throughput %q is not a positive number", rows[1][1])
	}
	return perSecond, nil
}
