package failover

import (
	"slices"
)

// Sets of ids are sorted slices that are never changed once made.

func contains(set []string, id string) bool { return slices.Contains(set, id) }

func sameSet(a, b []string) bool { return slices.Equal(a, b) }

// newSet returns the ids sorted and without repetition.
func newSet(ids []string) []string {
	set := slices.Clone(ids)
	slices.Sort(set)
	return slices.Compact(set)
}
