package rig

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// ticksPerSecond is the unit of /proc/<pid>/stat, the same on every Linux that Go
// runs on.
const ticksPerSecond = 100

// CPU is the user and system time that the process has used with all its threads, in steps of 10 ms.
func (s *Server) CPU() (time.Duration, error) { return processCPU(s.PID()) }

func processCPU(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("reading the server's CPU time: %w", err)
	}
	ticks, err := parseTicks(string(text))
	return time.Duration(ticks) * time.Second / ticksPerSecond, err
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

// Resident is the process' resident memory in bytes, now.
func (s *Server) Resident() (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.PID()))
	if err != nil {
		return 0, fmt.Errorf("reading the server's memory: %w", err)
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, fmt.Errorf("the process's memory line is cut off: %q", text)
	}
	pages, err := strconv.ParseFloat(fields[1], 64)
	if err != nil {
		return 0, fmt.Errorf("reading the server's memory: %w", err)
	}
	return pages * float64(os.Getpagesize()), nil
}

// SettledResident is Resident once it has stopped moving by more than a hundredth within a second.
func (s *Server) SettledResident() (float64, error) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for last := 0.0; ; <-tick.C {
		now, err := s.Resident()
		if err != nil || last > 0 && now > last*0.99 && now < last*1.01 {
			return now, err
		}
		last = now
	}
}
