package forward

import "bytes"

// role is what a command means to the forwarder; most mean nothing to it.
type role uint8

const (
	plain role = iota

	// Commands whose last success is said again on a new link. Each is a slot of the memory.
	auth
	hello
	helloAuth
	selectDB
	setName
	setLibName
	setLibVersion
	noEvict
	noTouch

	reset
	multi
	exec
	discard
	watch
	unwatch
	tracking // CLIENT TRACKING: what the server remembers for the client is lost with the link
	quit
	opaque // from here on replies can no longer be told apart
)

// roleRow maps a command's name, and for CLIENT its subcommand, to its role. To teach the forwarder another command,
// add its row.
type roleRow struct {
	name, sub string
	role      role
	// repeatable: it changes no data.
	repeatable bool
}

func roleRows() []roleRow {
	return []roleRow{
		{"AUTH", "", auth, true}, {"HELLO", "", hello, true}, {"SELECT", "", selectDB, true},
		{"CLIENT", "SETNAME", setName, true}, {"CLIENT", "NO-EVICT", noEvict, true}, {"CLIENT", "NO-TOUCH", noTouch, true},
		{"CLIENT", "SETINFO", setLibName, true},
		{"CLIENT", "ID", plain, true}, {"CLIENT", "GETNAME", plain, true}, {"CLIENT", "INFO", plain, true},
		{"PING", "", plain, true}, {"ECHO", "", plain, true},
		{"RESET", "", reset, true}, {"QUIT", "", quit, true},
		{"MULTI", "", multi, true}, {"EXEC", "", exec, false}, {"DISCARD", "", discard, true},
		{"WATCH", "", watch, true}, {"UNWATCH", "", unwatch, true},
		{"CLIENT", "TRACKING", tracking, true}, {"CLIENT", "REPLY", opaque, false},
		{"SUBSCRIBE", "", opaque, false}, {"PSUBSCRIBE", "", opaque, false}, {"SSUBSCRIBE", "", opaque, false},
		{"UNSUBSCRIBE", "", opaque, false}, {"PUNSUBSCRIBE", "", opaque, false}, {"SUNSUBSCRIBE", "", opaque, false},
		{"MONITOR", "", opaque, false}, {"SYNC", "", opaque, false}, {"PSYNC", "", opaque, false},
		{"REPLCONF", "", opaque, false},
	}
}

const nameBytesMax = 16 // no name or subcommand of the rows is longer

// roleTable answers from the rows without an allocation.
type roleTable map[string]roleRow

func newRoleTable() roleTable {
	t := roleTable{}
	for _, row := range roleRows() {
		t[row.name+" "+row.sub] = row
	}
	return t
}

// find returns the row of a command; ok is false if it has none.
func (t roleTable) find(args [][]byte) (row roleRow, ok bool) {
	var key [2*nameBytesMax + 1]byte
	n, fits := upper(key[:0], args[0])
	if !fits {
		return roleRow{}, false
	}
	n = append(n, ' ')
	if string(n) == "CLIENT " && len(args) > 1 {
		if n, fits = upper(n, args[1]); !fits {
			return roleRow{}, false
		}
	}
	row, ok = t[string(n)]
	if !ok {
		return roleRow{}, false
	}
	switch {
	case row.role == hello && len(args) == 1:
		row.role = plain // asks only
	case row.role == hello && hasWord(args[1:], "AUTH"):
		row.role = helloAuth
	case row.role == tracking && hasWord(args[2:], "OFF"):
		row.role = plain
	case row.role == setLibName && len(args) > 2 && bytes.EqualFold(args[2], []byte("LIB-VER")):
		row.role = setLibVersion
	}
	return row, true
}

func upper(dst, name []byte) (out []byte, fits bool) {
	if len(name) > nameBytesMax {
		return nil, false
	}
	for _, c := range name {
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst, true
}

func hasWord(args [][]byte, word string) bool {
	for _, a := range args {
		if bytes.EqualFold(a, []byte(word)) {
			return true
		}
	}
	return false
}
