package failover

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNode_singleVoterElectsItselfAtOnce(t *testing.T) {
	n, err := New(Config{ID: "a", Pair: "p", Voters: []Voter{{ID: "a"}}, Timing: DefaultTiming()}, Ballot{})
	require.NoError(t, err)
	for _, a := range n.Step(Moment{}, Tick{}) {
		t.Log(a)
	}
	require.Equal(t, Master, n.Status().Role)
	require.Equal(t, Forever, n.Status().LeaseTicks)
}
