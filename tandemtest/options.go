package tandemtest

// Option changes how nodes run.
type Option func(*settings)

type settings struct {
	lines   [][]string // directives, in order
	dir     string     // of the data; empty: a folder of the test
	witness bool
}

// With sets a directive of tandem.conf on every node, as in With("appendonly", "yes"). Ports, folders and the directives that
// say who is in the pair are this package's own.
func With(directive string, values ...string) Option {
	return func(s *settings) { s.lines = append(s.lines, append([]string{directive}, values...)) }
}

// WithDir keeps the nodes' folders below dir, which must exist. Data left there by an earlier test are found again.
func WithDir(dir string) Option { return func(s *settings) { s.dir = dir } }

// WithoutWitness runs two nodes and no witness. Their pair-policy is then "available", or what With says.
func WithoutWitness() Option { return func(s *settings) { s.witness = false } }

// defaults: nothing on disk but votes. They come first, so that a test can change them.
func newSettings(opts []Option) *settings {
	s := &settings{witness: true, lines: [][]string{{"appendonly", "no"}, {"save", ""}, {"enable-debug-command", "yes"}}}
	for _, o := range opts {
		o(s)
	}
	return s
}
