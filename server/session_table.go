package server

import (
	"github.com/tandemkv/tandem/command"
	"github.com/tandemkv/tandem/internal/resp"
)

// sessionHandler runs a command that needs its session or its server. It writes the reply to s.w, or returns the
// refusal; what it wrote before is taken back then.
type sessionHandler func(x *executor, s *session, args [][]byte) error

// row is a session command. A container's handler serves its subcommands: s.spec names the one that runs.
type row struct {
	spec command.Spec
	run  sessionHandler
}

// sessionFamilies lists the session commands, in the order of the files.
func sessionFamilies() [][]row {
	return [][]row{
		connectionRows(),
		transactionRows(),
		pubsubRows(),
		configRows(),
		introspectRows(),
		memoryRows(),
		persistenceRows(),
		replicationRows(),
		pairRows(),
	}
}

// newTable joins the data families and the session families. runs is by Spec.ID.
func newTable() (table *command.Table, runs []sessionHandler) {
	families := command.Families()
	for _, rows := range sessionFamilies() {
		specs := make([]command.Spec, len(rows))
		for i := range rows {
			specs[i] = rows[i].spec
		}
		families = append(families, specs)
	}
	table = command.NewTable(families...)
	runs = make([]sessionHandler, len(table.All()))
	for _, rows := range sessionFamilies() {
		for i := range rows {
			spec := table.Must(rows[i].spec.Name)
			runs[spec.ID] = rows[i].run
			for j := range spec.Subs {
				runs[spec.Subs[j].ID] = rows[i].run
			}
		}
	}
	return table, runs
}

// ReadOnlyCommands gives a function that knows the commands that change nothing, so that a forwarder may send them again.
func ReadOnlyCommands() func(args [][]byte) bool {
	table, _ := newTable()
	return func(args [][]byte) bool {
		spec := table.Lookup(args)
		return spec != nil && spec.Flags&command.ReadOnly != 0
	}
}

// writeHelp answers a HELP subcommand as Redis does.
func writeHelp(w *resp.Writer, name string, lines ...string) {
	w.Array(len(lines) + 3)
	w.Status(name + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")
	for _, line := range lines {
		w.Status(line)
	}
	w.Status("HELP")
	w.Status("    Print this help.")
}
