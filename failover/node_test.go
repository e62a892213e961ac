package failover

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func pairConfig(id string) Config {
	return Config{ID: id, Pair: "p", Voters: []Voter{{ID: "a"}, {ID: "b"}, {ID: "w", Witness: true}}, Timing: DefaultTiming()}
}

func TestNode_singleVoterElectsItselfAtOnce(t *testing.T) {
	n, err := New(Config{ID: "a", Pair: "p", Voters: []Voter{{ID: "a"}}, Timing: DefaultTiming()}, Ballot{})
	require.NoError(t, err)
	n.Step(Moment{}, Tick{})
	require.Equal(t, Master, n.Status().Role)
	require.Equal(t, Forever, n.Status().LeaseTicks)
}

func TestNode_cloneIsIndependent(t *testing.T) {
	n, err := New(pairConfig("a"), Ballot{})
	require.NoError(t, err)
	n.Step(Moment{}, Tick{})
	fork := n.Clone()
	before := fork.Status()
	hello := Message{Kind: Ask, Protocol: ProtocolVersion, Pair: "p", From: "b", Incarnation: 1, Seq: 1, ToIncarnation: 1, Fresh: true, Healthy: true}
	n.Step(Moment{Tick: 9}, Receive{Message: hello})
	require.Equal(t, before, fork.Status())
	require.NotEqual(t, before, n.Status())
	fork.Step(Moment{Tick: 9}, Receive{Message: hello})
	require.Equal(t, n.Status(), fork.Status())
}

func TestNode_timeGoingBackIsABrokenInvariant(t *testing.T) {
	n, err := New(pairConfig("a"), Ballot{})
	require.NoError(t, err)
	n.Step(Moment{Tick: 5}, Tick{})
	require.Panics(t, func() { n.Step(Moment{Tick: 4}, Tick{}) })
}

func TestConfig_saysWhatIsWrong(t *testing.T) {
	for want, change := range map[string]func(c *Config){
		"not one of the voters": func(c *Config) { c.ID = "x" },
		"listed twice":          func(c *Config) { c.Voters = append(c.Voters, Voter{ID: "b"}) },
		"no voter has data":     func(c *Config) { c.ID, c.Voters = "w", []Voter{{ID: "w", Witness: true}} },
		"1 to 16 voters":        func(c *Config) { c.Voters = nil },
		"pair's name":           func(c *Config) { c.Pair = "" },
		"voter's id":            func(c *Config) { c.Voters = append(c.Voters, Voter{}) },
		"for two data nodes":    func(c *Config) { c.Policy = Available },
		"at least one tick":     func(c *Config) { c.Timing.AskTicks = 0 },
		"drift margin":          func(c *Config) { c.Timing.DriftMarginTicks = 100 },
		"three heartbeats":      func(c *Config) { c.Timing.HeartbeatTicks = 40 },
		"longest backoff":       func(c *Config) { c.Timing.BackoffMaxTicks = 1 },
	} {
		c := pairConfig("a")
		change(&c)
		_, err := New(c, Ballot{})
		require.ErrorContains(t, err, want)
	}
	require.NoError(t, pairConfig("a").Validate())
}

// TestRoles_transitionTable: a role changes along the table or not at all.
func TestRoles_transitionTable(t *testing.T) {
	for from := Starting; from <= Stopped; from++ {
		for to := Starting; to <= Stopped; to++ {
			n := &Node{role: from}
			legal := from == to || contains(roleNames(transitions[from]), to.String())
			if legal {
				n.becomeRole(to, "test")
				require.Equal(t, to, n.role)
				continue
			}
			require.Panics(t, func() { n.becomeRole(to, "test") }, "%s -> %s", from, to)
		}
	}
}

func roleNames(roles []Role) (names []string) {
	for _, r := range roles {
		names = append(names, r.String())
	}
	return names
}
