package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// options stands for the Options of a package: one field of each kind.
type options struct {
	Port       uint16
	AppendOnly bool
	Memory     int64
	Clients    int64
	Perm       uint32
	Sync       string
	Shutdown   []string
	Dir        string
	Timeout    time.Duration
	Lease      time.Duration
	Share      int
	Bind       []string
	Save       []SavePoint
	Limits     BufferLimits
	Users      [][]string
	Witness    bool
	Password   string
	Level      [3]int64

	applied  []string
	applyErr error
}

func (o *options) apply(name string) func() error {
	return func() error {
		o.applied = append(o.applied, name)
		return o.applyErr
	}
}

func (o *options) set() *Set {
	return New(
		Section{Title: "Network", Rows: []*Row{
			Int("port", &o.Port, 6379, 0, 65535).Changeable(o.apply("port")).Doc("Port of the node itself."),
			Strings("bind", &o.Bind, "127.0.0.1", "::1").Changeable(o.apply("bind")).Doc("Addresses to listen on."),
			Seconds("timeout", &o.Timeout, 0, 0, 1<<31-1).Changeable().Doc("Idle clients are closed after this time."),
			Octal("unixsocketperm", &o.Perm, 0, 0, 0o777).Doc("Mode of the socket."),
			OutputBufferLimits("client-output-buffer-limit", &o.Limits, BufferLimits{Pubsub: BufferLimit{32 << 20, 8 << 20, 60}}).
				Changeable().Doc("Limits of waiting replies."),
			String("requirepass", &o.Password, "").Sensitive().Check(func(text string) error {
				if len(text) > 8 {
					return errors.New("too long")
				}
				return nil
			}).Changeable().Doc("Password."),
		}},
		Section{Title: "Data", Rows: []*Row{
			Bool("appendonly", &o.AppendOnly, true).Changeable(o.apply("appendonly")).Doc("Keep a log on disk."),
			Enum("appendfsync", &o.Sync, "everysec", "everysec", "always", "no").Changeable().Doc("When the log is synced."),
			SavePoints("save", &o.Save, SavePoint{3600, 1}, SavePoint{60, 10000}).Changeable().Doc("Checkpoints."),
			String("dir", &o.Dir, ".").Protected().Changeable().Doc("Folder of the data."),
			Memory("maxmemory", &o.Memory, 0, 0, 1<<62).Changeable().Doc("Memory limit."),
			MemoryOrPercent("maxmemory-clients", &o.Clients, 0).Changeable().Doc("Memory of clients."),
			Percent("share", &o.Share, 50).Changeable().Doc("A share."),
			EnumSet("shutdown-on-sigterm", &o.Shutdown, []string{"default"}, "default", "save", "nosave", "now", "force").
				Changeable().Doc("How SIGTERM ends the server."),
			Repeated("user", &o.Users).FileOnly().Doc("An ACL user."),
		}},
		Section{Title: "Pair", Rows: []*Row{
			Bool("witness", &o.Witness, false).Bare("yes").Alias("arbiter").Doc("This process is a witness."),
			Milliseconds("lease-ms", &o.Lease, 1000, 100, 60000).Hidden().Doc("Length of the lease."),
			Custom("level", &o.Level, [3]int64{1, 2, 3}, "three numbers", parseThree, formatThree).ManyArgs().Changeable().
				Doc("Numbers."),
		}},
	)
}

func load(t *testing.T, args ...string) (*options, *Set) {
	t.Helper()
	o := &options{}
	s := o.set()
	require.NoError(t, s.Load(args, strings.NewReader("")))
	return o, s
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tandem.conf")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestLoad_defaults(t *testing.T) {
	o, s := load(t)
	require.Equal(t, uint16(6379), o.Port)
	require.True(t, o.AppendOnly)
	require.Equal(t, time.Second, o.Lease)
	require.Equal(t, []string{"127.0.0.1", "::1"}, o.Bind)
	require.Equal(t, []SavePoint{{3600, 1}, {60, 10000}}, o.Save)
	require.NoError(t, s.SelfCheck())
}

func TestLoad_fileThenStdinThenOptions(t *testing.T) {
	path := writeFile(t, "# comment\nport 1\nDIR \"/tmp/with \\\"space\\\"\\x41\"\nmaxmemory 1gb\nsave 900 1\nsave 60 5\nbind a b\nuser a on\nuser b off nopass\n")
	o := &options{}
	s := o.set()
	require.NoError(t, s.Load([]string{path, "--port", "3", "--timeout 9", "-"}, strings.NewReader("port 2\nshare 7\n")))
	require.Equal(t, uint16(3), o.Port)
	require.Equal(t, 7, o.Share)
	require.Equal(t, `/tmp/with "space"A`, o.Dir)
	require.Equal(t, int64(1<<30), o.Memory)
	require.Equal(t, []SavePoint{{900, 1}, {60, 5}}, o.Save)
	require.Equal(t, [][]string{{"a", "on"}, {"b", "off", "nopass"}}, o.Users)
	require.Equal(t, 9*time.Second, o.Timeout)
	require.Equal(t, path, s.File())
	require.True(t, s.Given("port"))
	require.False(t, s.Given("appendonly"))
}

func TestLoad_include(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "x1.inc"), []byte("share 1\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "x2.inc"), []byte("share 2\nport 5\n"), 0o600))
	path := writeFile(t, "port 4\ninclude "+filepath.Join(folder, "*.inc")+"\ninclude "+filepath.Join(folder, "none*")+"\n")
	o, _ := load(t, path)
	require.Equal(t, uint16(5), o.Port)
	require.Equal(t, 2, o.Share)

	loop := writeFile(t, "")
	require.NoError(t, os.WriteFile(loop, []byte("include "+loop+"\n"), 0o600))
	require.ErrorContains(t, o.set().Load([]string{loop}, nil), "include each other")
	missing := writeFile(t, "include "+filepath.Join(folder, "missing")+"\n")
	require.ErrorContains(t, o.set().Load([]string{missing}, nil), "can't open config file")
}

func TestLoad_commandLine(t *testing.T) {
	for _, test := range []struct {
		args  []string
		check func(*options) bool
	}{
		{[]string{"--save", ""}, func(o *options) bool { return len(o.Save) == 0 }},
		{[]string{"--save", "--port", "7"}, func(o *options) bool { return len(o.Save) == 0 && o.Port == 7 }},
		{[]string{"--port", "7", "--save"}, func(o *options) bool { return len(o.Save) == 0 && o.Port == 7 }},
		{[]string{"--save", "1", "2"}, func(o *options) bool { return len(o.Save) == 1 && o.Save[0] == SavePoint{1, 2} }},
		{[]string{"--save", "1 2 3 4"}, func(o *options) bool { return len(o.Save) == 2 }},
		{[]string{"--witness"}, func(o *options) bool { return o.Witness }},
		{[]string{"--witness", "--port", "1"}, func(o *options) bool { return o.Witness && o.Port == 1 }},
		{[]string{"--witness", "no"}, func(o *options) bool { return !o.Witness }},
		{[]string{"--arbiter", "yes"}, func(o *options) bool { return o.Witness }},
		{[]string{"--dir", "--port"}, func(o *options) bool { return o.Dir == "--port" }},
		{[]string{"--PORT 12"}, func(o *options) bool { return o.Port == 12 }},
		{[]string{"--bind", "a", "b", "--port", "2"}, func(o *options) bool { return len(o.Bind) == 2 && o.Port == 2 }},
		{[]string{"--bind", ""}, func(o *options) bool { return len(o.Bind) == 0 }},
		{[]string{"--dir", `a "b`}, func(o *options) bool { return o.Dir == `a "b` }},
		{[]string{"--shutdown-on-sigterm", "NOSAVE force"}, func(o *options) bool { return len(o.Shutdown) == 2 && o.Shutdown[0] == "nosave" }},
		{[]string{"--maxmemory-clients", "5%"}, func(o *options) bool { return o.Clients == -5 }},
		{[]string{"--client-output-buffer-limit", "replica 1mb 2kb 3"}, func(o *options) bool {
			return o.Limits.Replica == BufferLimit{1 << 20, 2 << 10, 3} && o.Limits.Pubsub.SoftSeconds == 60
		}},
		{[]string{"--unixsocketperm", "700"}, func(o *options) bool { return o.Perm == 0o700 }},
	} {
		o, _ := load(t, test.args...)
		require.True(t, test.check(o), "%q: %+v", test.args, o)
	}
}

func TestLoad_refusals(t *testing.T) {
	for _, test := range []struct{ line, reason string }{
		{"prot 1", "Bad directive or wrong number of arguments (did you mean 'port'?)"},
		{"something-else 1", "Bad directive or wrong number of arguments"},
		{"port", "wrong number of arguments"},
		{"port 1 2", "wrong number of arguments"},
		{"port abc", "argument couldn't be parsed into an integer"},
		{"port +7", "argument couldn't be parsed into an integer"},
		{"port 007", "argument couldn't be parsed into an integer"},
		{"port 65536", "argument must be between 0 and 65535 inclusive"},
		{"timeout -1", "argument must be between 0 and 2147483647 inclusive"},
		{"appendonly maybe", "argument must be 'yes' or 'no'"},
		{"appendfsync often", "argument(s) must be one of the following: everysec, always, no"},
		{"maxmemory 1zz", "argument must be a memory value"},
		{"maxmemory -1", "argument must be a memory value"},
		{"maxmemory 9223372036854775807gb", "argument must be a memory value"},
		{"maxmemory-clients 101%", "percentage argument must be less or equal to 100"},
		{"maxmemory-clients x%", "argument must be a memory or percent value"},
		{"unixsocketperm 999", "argument couldn't be parsed as an octal number"},
		{"unixsocketperm 1000", "argument must be between 0 and 777 inclusive"},
		{"share 101", "argument must be between 0 and 100 inclusive"},
		{"save 1", "Invalid save parameters"},
		{"save 1 x", "Invalid save parameters"},
		{"save 0 1", "Invalid save parameters"},
		{"client-output-buffer-limit normal 1 2", "Wrong number of arguments in buffer limit configuration."},
		{"client-output-buffer-limit odd 1 2 3", "Invalid client class specified in buffer limit configuration."},
		{"client-output-buffer-limit normal 1 x 3", "Error in hard, soft or soft_seconds setting in buffer limit configuration."},
		{"shutdown-on-sigterm now never", "argument(s) must be one of the following: default, save, nosave, now, force"},
		{`dir "abc`, "Unbalanced quotes in configuration line"},
		{`dir "abc"d`, "Unbalanced quotes in configuration line"},
		{"include", "wrong number of arguments"},
	} {
		path := writeFile(t, "# first\n\n"+test.line+"\nport 1\n")
		err := (&options{}).set().Load([]string{path}, nil)
		var refused *LoadError
		require.ErrorAs(t, err, &refused, test.line)
		require.Equal(t, test.reason, refused.Reason, test.line)
		require.Equal(t, 3, refused.Line.Number)
		require.Contains(t, refused.Fatal(), "at line 3\n>>> '"+test.line+"'\n"+test.reason+"\n")
		require.Contains(t, refused.Error(), path+":3: ")
	}
}

func TestLoad_hidesSensitiveValues(t *testing.T) {
	err := (&options{}).set().Load([]string{"--requirepass", "much-too-long"}, nil)
	require.ErrorContains(t, err, "too long")
	require.NotContains(t, err.Error(), "much")
}

func TestLoad_missingFile(t *testing.T) {
	err := (&options{}).set().Load([]string{"/nowhere/x.conf"}, nil)
	var refused *LoadError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "Fatal error, can't open config file '/nowhere/x.conf': no such file or directory\n", refused.Fatal())
}

func TestNew_duplicateNamePanics(t *testing.T) {
	require.Panics(t, func() {
		New(Section{Rows: []*Row{text("a", ""), text("b", "").Alias("a")}})
	})
	require.Panics(t, func() { Int[int8]("x", nil, 0, 0, 1000) })
}

func TestGet_globs(t *testing.T) {
	_, s := load(t, "--lease-ms", "1500", "--maxmemory", "2mb")
	require.Equal(t, []Pair{{"maxmemory", "2097152"}, {"maxmemory-clients", "0"}}, s.Get("MAXM*"))
	require.Equal(t, []Pair{{"port", "6379"}, {"witness", "no"}}, s.Get("witness", "p?rt", "port"))
	require.Equal(t, []Pair{{"arbiter", "no"}}, s.Get("arbiter"))
	require.Equal(t, []Pair{{"lease-ms", "1500"}}, s.Get("lease-ms"))
	require.Empty(t, s.Get("lease-*"), "hidden rows answer to their full name only")
	require.Empty(t, s.Get("user"))
	require.Equal(t, []Pair{{"save", "3600 1 60 10000"}}, s.Get("[r-t]ave"))
	require.Equal(t, []Pair{{"dir", "."}}, s.Get("d[^x]r"))
	require.Empty(t, s.Get("d[i", "d[", "po"))
}

func TestChange_refusalsLeaveEverything(t *testing.T) {
	for _, test := range []struct {
		pairs []Pair
		reply string
	}{
		{[]Pair{{"port", "1"}, {"foo", "2"}}, "ERR Unknown option or number of arguments for CONFIG SET - 'foo'"},
		{[]Pair{{"user", "x"}}, "ERR Unknown option or number of arguments for CONFIG SET - 'user'"},
		{[]Pair{{"port", "1"}, {"share", "x"}}, "ERR CONFIG SET failed (possibly related to argument 'share') - argument couldn't be parsed into an integer"},
		{[]Pair{{"port", "1"}, {"port", "2"}}, "ERR CONFIG SET failed (possibly related to argument 'port') - duplicate parameter"},
		{[]Pair{{"port", "1"}, {"witness", "yes"}}, "ERR CONFIG SET failed (possibly related to argument 'witness') - can't set immutable config"},
		{[]Pair{{"dir", "/"}}, "ERR CONFIG SET failed (possibly related to argument 'dir') - can't set protected config"},
		{[]Pair{{"port", ""}}, "ERR CONFIG SET failed (possibly related to argument 'port') - argument couldn't be parsed into an integer"},
		{[]Pair{{"level", "1 2"}}, "ERR CONFIG SET failed (possibly related to argument 'level') - wrong number of arguments"},
		{[]Pair{{"requirepass", "much-too-long"}}, "ERR CONFIG SET failed (possibly related to argument 'requirepass') - too long"},
	} {
		_, s := load(t)
		before := s.Get("*")
		require.EqualError(t, s.Change(test.pairs, false), test.reply)
		require.Equal(t, before, s.Get("*"))
	}
}

func TestChange_appliesAllOrNothing(t *testing.T) {
	o, s := load(t)
	require.NoError(t, s.Change([]Pair{{"PORT", "7"}, {"bind", "x y"}, {"save", ""}, {"dir", "/d"}}, true))
	require.Equal(t, uint16(7), o.Port)
	require.Equal(t, []string{"x", "y"}, o.Bind)
	require.Empty(t, o.Save)
	require.Equal(t, "/d", o.Dir)
	require.Equal(t, []string{"port", "bind"}, o.applied)

	o.applied, o.applyErr = nil, errors.New("no such address\r\n-BOO")
	before := s.Get("*")
	err := s.Change([]Pair{{"share", "3"}, {"port", "8"}, {"bind", "z"}}, false)
	require.ErrorContains(t, err, "ERR CONFIG SET failed (possibly related to argument 'port') - no such address; -BOO")
	require.NotContains(t, err.Error(), "\n")
	require.Equal(t, before, s.Get("*"))
	require.Equal(t, []string{"port", "port"}, o.applied, "applied with the new value, then with the old one")
}

func TestAccepted_isWholeAndExplained(t *testing.T) {
	s := New()
	require.Empty(t, s.AddAccepted("Redis", Accepted()))
	require.NoError(t, s.SelfCheck())
	for _, row := range s.Rows() {
		require.NotEmpty(t, row.Explanation(), row.Name())
	}
	require.NoError(t, s.Load([]string{"--rdbchecksum", "no", "--dynamic-hz", "no"}, nil))
	require.Len(t, s.Explanations(), 2)
	require.Contains(t, s.Explanations()[0], "directive 'rdbchecksum' is accepted and has no effect: ")
	require.Equal(t, []Pair{{"dynamic-hz", "no"}}, s.Get("dynamic-h*"))
	for _, args := range [][]string{
		{"--cluster-enabled", "yes"}, {"--tls-port", "1"}, {"--loadmodule", "x.so"}, {"--user", "a", "on"},
		{"--rename-command", "GET", ""},
	} {
		require.Error(t, s.Load(args, nil), "%q must not be ignored in silence", args)
	}
}

func TestAddAccepted_realRowsGoFirst(t *testing.T) {
	o := &options{}
	s := o.set()
	require.Equal(t, []string{"maxmemory-clients", "shutdown-on-sigterm", "user"}, s.AddAccepted("Redis", Accepted()))
	require.NoError(t, s.Load(nil, nil))
	require.Equal(t, []Pair{{"appendonly", "yes"}}, s.Get("appendonly"))
	require.NoError(t, s.SelfCheck())
}

func TestSelfCheck_findsFaults(t *testing.T) {
	fixed := func([]string) (string, error) { return "x", nil }
	for _, row := range []*Row{
		text("a", ""),
		text("A", "").Doc("d"),
		text("a", "").Doc("d").Check(func(string) error { return errors.New("never") }),
		Custom("a", nil, "y", "k", fixed, func(s string) string { return s }).Doc("d"),
	} {
		require.Error(t, New(Section{Rows: []*Row{row}}).SelfCheck())
	}
}

func TestRender_loadsBackToDefaults(t *testing.T) {
	o, s := load(t)
	s.AddAccepted("Accepted for Redis", Accepted())
	rendered := s.Render("Tandem.\n\nEvery directive with its default.")
	again := &options{}
	set := again.set()
	require.NoError(t, set.Load([]string{writeFile(t, rendered)}, nil))
	require.Equal(t, o.set().Get("*"), again.set().Get("*"))
	for _, row := range s.Rows() {
		require.Contains(t, rendered, row.Name()+" ")
	}
	for _, line := range strings.Split(rendered, "\n") {
		if strings.HasPrefix(line, "#") {
			require.LessOrEqual(t, len(line), 200)
		}
	}
}
