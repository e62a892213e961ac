package command_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/command"
	"github.com/tandemkv/tandem/internal/resp"
	"github.com/tandemkv/tandem/keyspace"
)

func newApplier() *command.Applier {
	engine := command.NewEngine(keyspace.New(keyspace.Options{Databases: 4}), rand.New(rand.NewPCG(1, 2)))
	return &command.Applier{Engine: engine, Table: command.NewTable(append(command.Families(), sessionRows())...)}
}

func apply(t *testing.T, a *command.Applier, line string) error {
	t.Helper()
	args := splitLine(t, line)
	err := a.Apply(args, startMs)
	for _, word := range args {
		clear(word) // what was kept must have been copied
	}
	return err
}

func stringAt(a *command.Applier, db int, key string) string {
	a.Engine.KS.Begin(startMs, keyspace.ExpiryIgnore)
	defer a.Engine.KS.End()
	v, _, err := a.Engine.KS.DB(db).String([]byte(key))
	if err != nil {
		return err.Error()
	}
	return string(v)
}

func TestApplier_transactionIsWhole(t *testing.T) {
	a := newApplier()
	for _, line := range []string{"SELECT 1", "SET a 1", "MULTI", "SET a 2", "SELECT 2", "SET b 3"} {
		require.NoError(t, apply(t, a, line))
	}
	require.True(t, a.InMulti())
	require.Equal(t, "1", stringAt(a, 1, "a"))
	require.Empty(t, stringAt(a, 2, "b"))
	require.NoError(t, apply(t, a, "EXEC"))
	require.False(t, a.InMulti())
	require.Equal(t, "2", stringAt(a, 1, "a"))
	require.Equal(t, "3", stringAt(a, 2, "b"))
	require.Equal(t, 2, a.DB)

	// A stream that breaks off in a transaction leaves nothing of it.
	require.NoError(t, apply(t, a, "MULTI"))
	require.NoError(t, apply(t, a, "SET b 4"))
	a.Reset(0)
	require.False(t, a.InMulti())
	require.Equal(t, "3", stringAt(a, 2, "b"))
}

func TestApplier_refusals(t *testing.T) {
	for line, want := range map[string]string{
		"NOSUCH a":      "does not know",
		"SET a":         "does not know",
		"SELECT 4":      "has 4",
		"SELECT x":      "selects database",
		"INCR text":     "failed",
		"SET a b c":     "failed",
		"LPUSH text 1":  "failed",
		"EXPIRE a b":    "failed",
		"SETRANGE a -1": "does not know",
	} {
		a := newApplier()
		require.NoError(t, apply(t, a, "SET text abc"))
		require.ErrorContains(t, apply(t, a, line), want, line)
	}
}

func TestApplier_others(t *testing.T) {
	a := newApplier()
	require.NoError(t, apply(t, a, "PUBLISH c m"), "skipped when nobody wants it")
	var got []string
	applied := 0
	a.Other = func(spec *command.Spec, db int, args [][]byte) { got = append(got, spec.FullName+" "+string(args[1])) }
	a.Applied = func() { applied += len(a.Engine.KS.Changes()) }
	for _, line := range []string{"PING", "PUBLISH c m", "SET a 1", "REPLCONF GETACK *", "DEL nothing", "MSET a 1 b 2"} {
		require.NoError(t, apply(t, a, line))
	}
	require.Equal(t, []string{"publish c"}, got)
	require.Equal(t, 3, applied)
	require.Empty(t, a.Engine.Unit(), "applying writes no log")
}

// TestApplier_deadlinesAreTheLogs: a standby's clock decides nothing. Only the log says when a key goes.
func TestApplier_deadlinesAreTheLogs(t *testing.T) {
	a := newApplier()
	for _, line := range []string{"SET a 1 PXAT 5", "PEXPIREAT a 6", "APPEND a 2", "SET b 1", "PEXPIREAT b 7 NX", "EXPIREAT b -5", "SET c 1", "GETEX c PXAT 8"} {
		require.NoError(t, apply(t, a, line))
	}
	require.Equal(t, "12", stringAt(a, 0, "a"))
	require.Equal(t, "1", stringAt(a, 0, "b"))
	require.Equal(t, "1", stringAt(a, 0, "c"))
	require.NoError(t, apply(t, a, "DEL a"))
	require.Empty(t, stringAt(a, 0, "a"))
}

// TestEngine_standbysReaders: on a standby an expired key is not to be seen, stays, and has no effect.
func TestEngine_standbysReaders(t *testing.T) {
	a := newApplier()
	for _, line := range []string{"SET a 1 PXAT 5", "SET b 1", "RPUSH l 1 2", "PEXPIREAT l 5"} {
		require.NoError(t, apply(t, a, line))
	}
	a.Engine.Mode = keyspace.ExpiryHide
	before := a.Engine.KS.Digest()
	for line, want := range map[string]string{
		"GET a": "$-1\r\n", "EXISTS a b": ":1\r\n", "TTL a": ":-2\r\n", "TYPE a": "+none\r\n", "KEYS *": "*1\r\n$1\r\nb\r\n", "STRLEN a": ":0\r\n",
		"SCAN 0 COUNT 100": "*2\r\n$1\r\n0\r\n*1\r\n$1\r\nb\r\n", "RANDOMKEY": "$1\r\nb\r\n", "LRANGE l 0 -1": "*0\r\n", "MGET a b": "*2\r\n$-1\r\n$1\r\n1\r\n",
		"OBJECT ENCODING a": "$-1\r\n",
	} {
		w := &resp.Writer{}
		args := splitLine(t, line)
		_, err := a.Engine.Do(command.Run{Spec: a.Table.Lookup(args), Args: args, NowMs: startMs}, w)
		require.NoError(t, err)
		require.Equal(t, want, string(w.Buf), line)
		require.Empty(t, a.Engine.Unit(), line)
	}
	require.Equal(t, before, a.Engine.KS.Digest(), "reading changed something")
}

// TestEngine_expireSlice: a master's housekeeping removes what has expired, as deletions of the log.
func TestEngine_expireSlice(t *testing.T) {
	w := newWorld(t)
	for _, line := range []string{"SET a 1 PX 10", "SET b 1 PX 20", "SET c 1 PX 30", "SET d 1"} {
		w.run(splitLine(t, line))
	}
	w.nowMs += 25
	n, more := w.master.ExpireSlice(w.nowMs, 1)
	require.Equal(t, 1, n)
	require.True(t, more)
	n, more = w.master.ExpireSlice(w.nowMs, 10)
	require.Equal(t, 1, n)
	require.False(t, more)
	require.ElementsMatch(t, []string{"~ DEL a", "~ DEL b"}, w.log())
	require.Equal(t, w.master.KS.Digest(), w.copy.Engine.KS.Digest())
	require.Equal(t, 2, w.master.KS.DB(0).Len())
}

// TestEncoder_units: SELECT where the database changes, MULTI and EXEC around several effects, nothing for nothing.
func TestEncoder_units(t *testing.T) {
	e := &command.Encoder{Selected: -1}
	effect := func(db int, line string) command.Effect { return command.Effect{DB: db, Words: splitLine(t, line)} }
	var log []byte
	for _, unit := range [][]command.Effect{
		nil,
		{effect(0, "SET a 1")},
		{effect(0, "SET a 2")},
		{effect(3, "SET a 3"), effect(3, "DEL b"), effect(0, "DEL c")},
		{effect(0, "SET a 4")},
	} {
		log = e.Append(log, unit)
	}
	r := &resp.Reader{}
	var got []string
	for len(log) > 0 {
		args, used, err := r.Next(log)
		require.NoError(t, err)
		var text []string
		for _, a := range args {
			text = append(text, string(a))
		}
		got = append(got, strings.Join(text, " "))
		log = log[used:]
	}
	require.Equal(t, []string{
		"SELECT 0", "SET a 1", "SET a 2", "SELECT 3", "MULTI", "SET a 3", "DEL b", "SELECT 0", "DEL c", "EXEC", "SET a 4",
	}, got)
}

// TestEngine_oneUnit: the commands of one EXEC become one unit.
func TestEngine_oneUnit(t *testing.T) {
	w := newWorld(t)
	w.unit = true
	require.Equal(t, []string{"OK", "! new a", "! set a", "! expire a"}, w.run(splitLine(t, "SET a 1 PX 10")))
	w.run(splitLine(t, "GETEX a PERSIST"))
	w.db = 2
	w.run(splitLine(t, "INCRBYFLOAT f 1.5"))
	w.unit = false
	require.Equal(t, []string{"~ SET a 1 PXAT 1000000000010 @0", "~ PERSIST a @0", "~ SET f 1.5 KEEPTTL"}, w.log())
	require.Equal(t, w.master.KS.Digest(), w.copy.Engine.KS.Digest())
}
