package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tandemkv/tandem/internal/status"
)

func TestStatus_oneAddressIsEnough(t *testing.T) {
	a, b := fakePair(t)
	for _, ask := range []*fakeNode{a, b} {
		code, out, err := tandem(nil, "status", "--addr", ask.addr())
		require.Equal(t, 0, code, err)
		require.Contains(t, out, "pair p   epoch 1   policy witness   durability standby   in sync: a b   lease: 800 ms left")
		require.Regexp(t, `(?m)^a +master +\S+ +rw:1 +ro:1 +1:1000 +- +`, out)
		require.Regexp(t, `(?m)^b +standby .* 1:900 +100 B +`, out)
		require.Regexp(t, `(?m)^w +witness +- +- +- +- +- +12 ms +ok$`, out)
	}
}

func TestStatus_json(t *testing.T) {
	a, b := fakePair(t)
	b.with(func() { b.report.Voters[1].LagSeconds = 99; b.report.Voters[1].Health = "sick" })
	a.with(func() { a.report.Voters[1].LagSeconds = 0.5 })
	code, out, _ := tandem(nil, "status", "--json", "--addr", a.addr()+","+b.addr())
	require.Equal(t, 0, code)
	var v view
	require.NoError(t, json.Unmarshal([]byte(out), &v))
	require.Equal(t, "a", v.Master)
	require.Equal(t, []string{"a"}, v.Masters)
	require.Len(t, v.Answers, 2)
	require.Equal(t, "sick", v.Voters[1].Health, "a node is believed about itself")
	require.InDelta(t, 0.5, v.Voters[1].LagSeconds, 0, "the master about lag")
	require.Equal(t, int64(7), v.Voters[1].LastHeardMS)
}

func TestStatus_deadNodesAreNamed(t *testing.T) {
	a, b := fakePair(t)
	a.close()
	code, out, _ := tandem(nil, "status", "--addr", b.addr())
	require.Equal(t, 0, code)
	require.Contains(t, out, "there is no master at present")
	require.Contains(t, out, a.addr()+" does not answer: ")
	b.close()
	code, out, err := tandem(nil, "status", "--addr", b.addr())
	require.Equal(t, 1, code)
	require.Empty(t, out)
	require.Contains(t, err, "no node answers; "+b.addr())
}

func TestStatus_twoMasters(t *testing.T) {
	a, b := fakePair(t)
	b.with(func() { b.report.Role, b.report.Epoch, b.report.Master = "master", 2, "b" })
	_, out, _ := tandem(nil, "status", "--addr", a.addr())
	require.Contains(t, out, "epoch 2")
	require.Contains(t, out, "more than one node believes it is the master: [a b]")
}

func TestStatus_passwords(t *testing.T) {
	a, b := fakePair(t)
	for _, n := range []*fakeNode{a, b} {
		n.with(func() { n.password = "s3cret" })
	}
	file := filepath.Join(t.TempDir(), "pass")
	require.NoError(t, os.WriteFile(file, []byte("s3cret\r\nmore"), 0o600))
	for _, tc := range []struct {
		env  map[string]string
		args []string
		code int
		want string
	}{
		{map[string]string{"REDISCLI_AUTH": "s3cret"}, nil, 0, "pair p"},
		{nil, []string{"--pass-file", file}, 0, "pair p"},
		{map[string]string{"REDISCLI_AUTH": "wr0ng"}, nil, 1, "WRONGPASS"},
		{nil, nil, 1, "NOAUTH"},
		{nil, []string{"--pass-file", file + "x"}, 1, "reading the password"},
	} {
		code, out, err := tandem(tc.env, append([]string{"status", "--addr", a.addr()}, tc.args...)...)
		require.Equal(t, tc.code, code, err)
		require.Contains(t, out+err, tc.want)
		require.NotContains(t, out+err, "s3cret")
		require.NotContains(t, out+err, "wr0ng")
	}
}

func TestSwitchover_goesToTheMasterAndNamesTheNewOne(t *testing.T) {
	a, b := fakePair(t)
	a.with(func() {
		a.switchover = func(to string) string {
			require.Equal(t, "b", to)
			go reign(b, a, 2)
			return "+OK\r\n"
		}
	})
	code, out, err := tandem(nil, "switchover", "--addr", b.addr(), "--to", "b")
	require.Equal(t, 0, code, err)
	require.Regexp(t, `^done in \S+: b is the master now \(epoch 2\)\n$`, out)
	code, out, _ = tandem(nil, "switchover", "--addr", b.addr(), "--to", "b")
	require.Equal(t, 0, code)
	require.Equal(t, "b is the master already\n", out)
}

func TestSwitchover_closedConnectionIsNotAFailure(t *testing.T) {
	a, b := fakePair(t)
	a.with(func() {
		a.switchover = func(string) string {
			go func() {
				reign(b, a, 2)
				a.with(func() {
					for c := range a.conns {
						c.Close()
					}
				})
			}()
			return "" // never answered
		}
	})
	code, out, err := tandem(nil, "switchover", "--addr", a.addr())
	require.Equal(t, 0, code, err)
	require.Contains(t, out, "b is the master now")
}

func TestSwitchover_refusedOrImpossible(t *testing.T) {
	a, b := fakePair(t)
	code, out, err := tandem(nil, "switchover", "--addr", a.addr())
	require.Equal(t, 1, code)
	require.Empty(t, out)
	require.Contains(t, err, "not done, a stays master: ERR refused")
	a.close()
	code, _, err = tandem(nil, "switchover", "--addr", b.addr())
	require.Equal(t, 1, code)
	require.Contains(t, err, "there is no master that could hand over")
}

func TestMain_usage(t *testing.T) {
	for _, tc := range []struct {
		args []string
		code int
		want string
	}{
		{nil, 2, "tandem status"},
		{[]string{"help"}, 0, "tandem switchover"},
		{[]string{"--help"}, 0, "tandem pair"},
		{[]string{"status", "-h"}, 0, "usage: tandem status"},
		{[]string{"stat"}, 2, `no subcommand "stat"`},
		{[]string{"status", "--addr", "nohost"}, 2, "not host:port"},
		{[]string{"status", "extra"}, 2, `"extra" is not a flag`},
		{[]string{"status", "--nope"}, 2, "-nope"},
	} {
		code, out, err := tandem(nil, tc.args...)
		require.Equal(t, tc.code, code, "%v", tc.args)
		require.Contains(t, out+err, tc.want)
	}
}

func TestSize_readsLikeAText(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 10239: "10239 B", 10 << 10: "10 KB", 10 << 20: "10 MB", 10 << 30: "10 GB"} {
		require.Equal(t, want, size(n))
	}
	require.Equal(t, "never", heard(status.Voter{LastHeardMS: -1}))
	require.Equal(t, "1m5s", heard(status.Voter{LastHeardMS: 65_400}))
}

func TestBar_endsFull(t *testing.T) {
	var out strings.Builder
	b := &bar{w: &out, title: "work", total: 4}
	b.set(9)
	b.end()
	require.Equal(t, "\rwork ["+strings.Repeat("#", barWidth)+"] 100 %\n", out.String())
	quiet := newBar(&out, "quiet", 0)
	quiet.set(1)
	require.NotContains(t, out.String(), "quiet", "a bar is only for terminals")
}
