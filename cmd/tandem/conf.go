package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tandemkv/tandem/internal/notation"
)

// member is one of the processes that `tandem pair` runs: what its configuration file says that we need to know.
type member struct {
	id      string
	conf    string // path of the configuration file
	dir     string // absolute
	bind    string
	port    int // 0: a witness
	rw, ro  int
	gossip  int
	witness bool
}

// members are the files that make up the pair, in the order in which they are started.
func members(confDir, runDir string) ([]member, error) {
	var out []member
	for _, name := range []string{"a", "b", "w"} {
		m, err := readMember(filepath.Join(confDir, name+".conf"))
		if err != nil {
			return nil, err
		}
		if m.dir, err = filepath.Abs(filepath.Join(runDir, name)); err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

func readMember(path string) (member, error) {
	m := member{conf: path, bind: "127.0.0.1", id: strings.TrimSuffix(filepath.Base(path), ".conf")}
	text, err := os.ReadFile(path)
	if err != nil {
		return m, fmt.Errorf("%w (run `tandem pair` in the project's folder, or say --conf)", err)
	}
	for i, line := range strings.Split(string(text), "\n") {
		words, ok := notation.SplitWords([]byte(line))
		if !ok {
			return m, fmt.Errorf("%s:%d: quotes do not balance", path, i+1)
		}
		if len(words) < 2 || words[0][0] == '#' {
			continue
		}
		if err := m.set(strings.ToLower(string(words[0])), string(words[1])); err != nil {
			return m, fmt.Errorf("%s:%d: %w", path, i+1, err)
		}
	}
	return m, nil
}

func (m *member) set(name, value string) error {
	ports := map[string]*int{"port": &m.port, "rw-port": &m.rw, "ro-port": &m.ro, "gossip-port": &m.gossip}
	switch {
	case name == "bind":
		m.bind = value
	case name == "node-id":
		m.id = value
	case name == "witness":
		m.witness = value == "yes"
	case ports[name] != nil:
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 || n > 65535 {
			return fmt.Errorf("%s %q is not a port", name, value)
		}
		*ports[name] = n
	}
	return nil
}

// address is one that the member listens on, and what it is for.
type address struct {
	name, addr, purpose string
}

func (m member) addresses() []address {
	var out []address
	add := func(name string, port int, purpose string) {
		if port != 0 {
			out = append(out, address{name, net.JoinHostPort(m.bind, strconv.Itoa(port)), purpose})
		}
	}
	add("port", m.port, "the node itself, as master or standby")
	add("rw-port", m.rw, "always the master: use this one")
	add("ro-port", m.ro, "reads, by preference from a standby")
	add("gossip-port", m.gossip, "what the voters say to each other")
	return out
}

func (m member) addr(name string) string {
	for _, a := range m.addresses() {
		if a.name == name {
			return a.addr
		}
	}
	return ""
}
