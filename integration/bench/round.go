package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
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
	s, err := start(binary, folder)
	if err != nil {
		return nil, err
	}
	samples := map[series]sample{}
	for _, pipeline := range o.pipelines {
		for _, command := range o.commands {
			one := series{command, pipeline}
			if samples[one], err = measure(o, s, one); err != nil {
				return nil, fmt.Errorf("%s at pipeline %d: %w", command, pipeline, firstOf(err, s.stop()))
			}
		}
	}
	return samples, s.stop()
}

// firstOf keeps the cause when the clean-up fails as well.
func firstOf(cause, later error) error {
	if later == nil {
		return cause
	}
	return fmt.Errorf("%w (and then: %w)", cause, later)
}

func measure(o options, s *server, one series) (sample, error) {
	requests := o.requests
	if one.pipeline > 1 {
		requests *= 10 // or the clock tick of /proc is too coarse
	}
	before, err := cpuTicks(s.pid())
	if err != nil {
		return sample{}, err
	}
	cmd := exec.Command("redis-benchmark", "-h", "127.0.0.1", "-p", strconv.Itoa(s.port), "--csv",
		"-t", one.command, "-n", strconv.Itoa(requests), "-c", strconv.Itoa(o.clients),
		"-P", strconv.Itoa(one.pipeline), "-r", strconv.Itoa(o.keys))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return sample{}, fmt.Errorf("redis-benchmark: %w: %s%s", err, stderr.String(), out)
	}
	after, err := cpuTicks(s.pid())
	if err != nil {
		return sample{}, err
	}
	perSecond, err := throughput(string(out))
	if err != nil {
		return sample{}, err
	}
	cpu := float64(after-before) * 1e6 / ticksPerSecond
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

// ticksPerSecond is the unit of /proc/<pid>/stat, the same on every Linux that Go
// runs on.
const ticksPerSecond = 100

// cpuTicks reads the user and system time of a process with all its threads.
func cpuTicks(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("reading the server's CPU time: %w", err)
	}
	return parseTicks(string(text))
}

// parseTicks takes fields 14 and 15. The second field, a name in parentheses, may
// hold spaces, so counting begins behind it.
func parseTicks(stat string) (int64, error) {
	_, behind, ok := strings.Cut(stat[strings.LastIndex(stat, ")")+1:], " ")
	fields := strings.Fields(behind)
	if !ok || len(fields) < 13 {
		return 0, fmt.Errorf("the process's stat line is cut off: %q", stat)
	}
	user, errUser := strconv.ParseInt(fields[11], 10, 64)
	system, errSystem := strconv.ParseInt(fields[12], 10, 64)
	if errUser != nil || errSystem != nil {
		return 0, fmt.Errorf("the process's stat line has no CPU time: %q", stat)
	}
	return user + system, nil
}
