package tandemtest_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/tandemkv/tandem/tandemtest"
)

// What stands within run is the body of a test; go test gives yours its t.

func ExampleRun() {
	run(func(t testing.TB) {
		node := tandemtest.Run(t)
		// Give node.Addr() to your Redis client, or use this one:
		client := node.Client()
		client.Must("SET", "greeting", "hello")
		fmt.Println(client.Must("GET", "greeting"))
	})
	// Output: hello
}

func ExampleRunPair() {
	run(func(t testing.TB) {
		pair := tandemtest.RunPair(t)
		pair.Client().Must("SET", "order:1", "paid")
		pair.WaitForLevel()

		dead := pair.KillMaster()
		fmt.Println(pair.Client().Must("GET", "order:1"), "by way of", "the standby")

		pair.Restart(dead.ID())
		pair.WaitForLevel()
		fmt.Println("the former master is now", dead.Role())
	})
	// Output:
	// paid by way of the standby
	// the former master is now standby
}

func ExamplePair_Partition() {
	run(func(t testing.TB) {
		pair := tandemtest.RunPair(t)
		cut := pair.Partition()
		pair.WaitForRole(cut.ID(), tandemtest.Fenced)
		_, err := cut.Client().Do("SET", "k", "v")
		fmt.Println(err)

		fmt.Println("another master:", pair.WaitForMaster().ID() != cut.ID())
		pair.Heal()
		pair.WaitForRole(cut.ID(), tandemtest.Standby)
		fmt.Println(cut.Role())
	})
	// Output:
	// READONLY This node is fenced: no majority of the pair confirms it as the master. Writes go on when one does.
	// another master: true
	// standby
}

// run gives a test what go test would give it.
func run(test func(t testing.TB)) {
	t := &stage{}
	defer t.end()
	test(t)
}

// stage stands in for a *testing.T, which an example has not.
type stage struct {
	testing.TB
	cleanups []func()
}

func (s *stage) Helper()                   {}
func (s *stage) Failed() bool              { return false }
func (s *stage) Cleanup(f func())          { s.cleanups = append(s.cleanups, f) }
func (s *stage) Fatal(args ...any)         { panic(fmt.Sprint(args...)) }
func (s *stage) Fatalf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }
func (s *stage) Errorf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }

func (s *stage) TempDir() string {
	dir, err := os.MkdirTemp("", "tandemtest")
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (s *stage) end() {
	for i := len(s.cleanups) - 1; i >= 0; i-- {
		s.cleanups[i]()
	}
}
