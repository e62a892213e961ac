package command_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tandemkv/tandem/command"
	"github.com/tandemkv/tandem/internal/resp"
	"github.com/tandemkv/tandem/internal/scenario"
)

// ask runs a line made of any values and gives its reply, parsed.
func (r *lineRunner) ask(t *testing.T, line ...any) scenario.Value {
	t.Helper()
	args := make([][]byte, len(line))
	for i, word := range line {
		args[i] = fmt.Append(nil, word)
	}
	v, rest, err := scenario.Parse(r.run(args))
	require.NoError(t, err, "%q", args)
	require.Empty(t, rest)
	require.NotEqual(t, byte('-'), v.Kind, "%q: %s", args, v.Text)
	return v
}

// texts are the elements of a flat reply.
func texts(v scenario.Value) []string {
	out := []string{}
	for _, one := range v.Elements {
		out = append(out, one.Text)
	}
	return out
}

// TestScanFamily_visitsWhatStays: whatever comes and goes meanwhile, an element that is there all the time is visited.
func TestScanFamily_visitsWhatStays(t *testing.T) {
	for _, family := range []struct {
		scan, remove string
		add          func(r *lineRunner, name string)
		perName      int
	}{
		{"HSCAN", "HDEL", func(r *lineRunner, name string) { r.ask(t, "HSET", "k", name, "v") }, 2},
		{"SSCAN", "SREM", func(r *lineRunner, name string) { r.ask(t, "SADD", "k", name) }, 1},
		{"ZSCAN", "ZREM", func(r *lineRunner, name string) { r.ask(t, "ZADD", "k", len(name), name) }, 2},
	} {
		for _, stays := range []int{5, 100, 300, 3000} {
			r := newLineRunner()
			for i := range stays {
				family.add(r, "stays"+strconv.Itoa(i))
			}
			seen := map[string]bool{}
			cursor, rounds := "0", 0
			for {
				v := r.ask(t, family.scan, "k", cursor, "COUNT", 7)
				found := texts(v.Elements[1])
				for i := 0; i < len(found); i += family.perName {
					seen[found[i]] = true
				}
				if cursor = v.Elements[0].Text; cursor == "0" {
					break
				}
				// The collection grows to twice its size and shrinks again.
				rounds++
				require.Less(t, rounds, 10*stays+1000, "the scan does not end")
				for i := range 10 {
					name := "goes" + strconv.Itoa(rounds%(stays/10+1)*10+i)
					if rounds/(stays/10+1)%2 == 0 {
						family.add(r, name)
					} else {
						r.ask(t, family.remove, "k", name)
					}
				}
			}
			for i := range stays {
				require.True(t, seen["stays"+strconv.Itoa(i)], "%s of %d: stays%d was not visited", family.scan, stays, i)
			}
		}
	}
}

// TestSPop_namesItsMembersInPieces: the log holds SREMs of at most 1024 members, and the copy is the same.
func TestSPop_namesItsMembersInPieces(t *testing.T) {
	r := newLineRunner()
	for i := range 4000 {
		r.ask(t, "SADD", "s", "m"+strconv.Itoa(i))
	}
	spec := r.table.Must("spop")
	r.reply.Buf = nil
	_, err := r.engine.Do(command.Run{Spec: spec, Args: splitLine(t, "SPOP s 2500"), NowMs: startMs}, &r.reply)
	require.NoError(t, err)
	v, _, err := scenario.Parse(r.reply.Buf)
	require.NoError(t, err)
	popped := texts(v)
	require.Len(t, popped, 2500)
	var logged []string
	for _, e := range r.engine.Unit() {
		require.Equal(t, "SREM", string(e.Words[0]))
		require.LessOrEqual(t, len(e.Words)-2, 1024)
		for _, m := range e.Words[2:] {
			logged = append(logged, string(m))
		}
	}
	require.Equal(t, popped, logged)
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(popped))), 2500, "no member twice")
	require.Equal(t, "1500", r.ask(t, "SCARD", "s").Text)
	for _, m := range popped {
		require.Equal(t, "0", r.ask(t, "SISMEMBER", "s", m).Text)
	}
}

// TestSampling_fair: different ones differ, all of them come up, and repetition repeats.
func TestSampling_fair(t *testing.T) {
	for _, family := range []struct{ sample, add string }{
		{"HRANDFIELD", "HSET k %s v"}, {"SRANDMEMBER", "SADD k %s"}, {"ZRANDMEMBER", "ZADD k 1 %s"},
	} {
		for _, size := range []int{10, 400} {
			r := newLineRunner()
			for i := range size {
				r.run(splitLine(t, fmt.Sprintf(family.add, "m"+strconv.Itoa(i))))
			}
			seen := map[string]bool{}
			for _, count := range []int{1, size / 5, size / 2, size, size * 2} {
				for range 30 {
					got := texts(r.ask(t, family.sample, "k", count))
					require.Len(t, got, min(count, size))
					for _, m := range got {
						seen[m] = true
					}
					require.Len(t, slices.Compact(slices.Sorted(slices.Values(got))), len(got), "%s %d: %q", family.sample, count, got)
				}
			}
			require.Len(t, seen, size)
			repeated := texts(r.ask(t, family.sample, "k", -10*size))
			require.Len(t, repeated, 10*size)
			require.Less(t, len(slices.Compact(slices.Sorted(slices.Values(repeated)))), size+1)
			require.True(t, seen[r.ask(t, family.sample, "k").Text])
		}
	}
}

// TestLists_model runs random lines on a list that grows over many blocks, beside a slice.
func TestLists_model(t *testing.T) {
	for seed := range uint64(6) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		r := newLineRunner()
		limits := r.engine.KS.Limits()
		limits.ListMaxListpackSize = []int{1, 3, 64, -1}[seed%4]
		r.engine.KS.SetLimits(limits)
		model := []string{}
		for i := range 3000 {
			value := strings.Repeat(strconv.Itoa(i%7), i%50)
			at := rnd.IntN(len(model) + 1)
			switch rnd.IntN(9) {
			case 0, 1, 2:
				r.ask(t, "RPUSH", "l", value)
				model = append(model, value)
			case 3:
				r.ask(t, "LPUSH", "l", value)
				model = slices.Insert(model, 0, value)
			case 4:
				if at < len(model) {
					r.ask(t, "LSET", "l", at, value)
					model[at] = value
				}
			case 5:
				if at < len(model) {
					pivot := slices.Index(model, model[at])
					r.ask(t, "LINSERT", "l", "BEFORE", model[at], value)
					model = slices.Insert(model, pivot, value)
				}
			case 6:
				if n := len(r.ask(t, "LPOP", "l", i%4).Elements); n > 0 {
					model = model[n:]
				}
			case 7:
				if n := len(r.ask(t, "RPOP", "l", i%3).Elements); n > 0 {
					model = model[:len(model)-n]
				}
			case 8:
				if i%40 == 0 {
					r.ask(t, "LTRIM", "l", at/3, -1-at/4)
					model = model[min(at/3, len(model)):max(len(model)-at/4, min(at/3, len(model)))]
				}
			}
			require.Equal(t, strconv.Itoa(len(model)), r.ask(t, "LLEN", "l").Text, "seed %d, step %d", seed, i)
			if i%100 == 0 {
				require.Equal(t, model, texts(r.ask(t, "LRANGE", "l", 0, -1)), "seed %d, step %d", seed, i)
				require.Equal(t, model[len(model)-len(model)/2:], texts(r.ask(t, "LRANGE", "l", -(len(model) / 2), -1))[:len(model)/2])
			}
		}
	}
}

// TestLRem_manyMatches: many matches are removed in another way than few; the deadline stays.
func TestLRem_manyMatches(t *testing.T) {
	for _, size := range []int{50, 500, 5000} {
		for _, every := range []int{1, 2, 10, 40} {
			for _, count := range []int{0, 1, -3, 100, -100, 10000} {
				r := newLineRunner()
				var model []string
				for i := range size {
					model = append(model, strconv.Itoa(i%every))
					r.ask(t, "RPUSH", "l", i%every)
				}
				r.ask(t, "PEXPIRE", "l", 100000)
				left, removed := slices.Clone(model), 0
				if count < 0 {
					slices.Reverse(left)
				}
				left = slices.DeleteFunc(left, func(v string) bool {
					gone := v == "0" && (count == 0 || removed < max(count, -count))
					if gone {
						removed++
					}
					return gone
				})
				if count < 0 {
					slices.Reverse(left)
				}
				require.Equal(t, strconv.Itoa(removed), r.ask(t, "LREM", "l", count, 0).Text)
				require.Equal(t, append([]string{}, left...), texts(r.ask(t, "LRANGE", "l", 0, -1)), "%d values, every %d., count %d", size, every, count)
				if len(left) > 0 {
					require.Equal(t, "100000", r.ask(t, "PTTL", "l").Text)
				}
			}
		}
	}
}

// TestZSets_model runs random changes beside a map, with sizes on both sides of the threshold.
func TestZSets_model(t *testing.T) {
	for seed := range uint64(4) {
		rnd := rand.New(rand.NewPCG(seed, 6))
		r := newLineRunner()
		model := map[string]float64{}
		names := 40 + int(seed)*200
		for i := range 4000 {
			name := "m" + strconv.Itoa(rnd.IntN(names))
			score := float64(rnd.IntN(60)-30) / 4
			switch rnd.IntN(5) {
			case 0, 1:
				r.ask(t, "ZADD", "z", score, name)
				model[name] = score
			case 2:
				r.ask(t, "ZINCRBY", "z", score, name)
				model[name] += score
			case 3:
				r.ask(t, "ZREM", "z", name)
				delete(model, name)
			case 4:
				old, exists := model[name]
				r.ask(t, "ZADD", "z", "GT", score, name)
				if !exists || score > old {
					model[name] = score
				}
			}
			if i%250 == 0 {
				checkZSet(t, r, model, score)
			}
		}
	}
}

func checkZSet(t *testing.T, r *lineRunner, model map[string]float64, from float64) {
	t.Helper()
	sorted := []string{}
	for name := range model {
		sorted = append(sorted, name)
	}
	slices.SortFunc(sorted, func(a, b string) int {
		if model[a] != model[b] {
			if model[a] < model[b] {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	require.Equal(t, sorted, texts(r.ask(t, "ZRANGE", "z", 0, -1)))
	start, _ := slices.BinarySearchFunc(sorted, from, func(name string, s float64) int {
		if model[name] < s {
			return -1
		}
		return 1
	})
	require.Equal(t, sorted[start:], texts(r.ask(t, "ZRANGEBYSCORE", "z", from, "+inf")))
	require.Equal(t, strconv.Itoa(start), r.ask(t, "ZCOUNT", "z", "-inf", fmt.Sprintf("(%v", from)).Text)
	backwards := slices.Clone(sorted)
	slices.Reverse(backwards)
	require.Equal(t, backwards, texts(r.ask(t, "ZREVRANGE", "z", 0, -1)))
	for i := 0; i < len(sorted); i += 17 {
		require.Equal(t, strconv.Itoa(i), r.ask(t, "ZRANK", "z", sorted[i]).Text)
		require.Equal(t, string(resp.AppendDouble(nil, model[sorted[i]])), r.ask(t, "ZSCORE", "z", sorted[i]).Text)
	}
}

// TestAlgebra_large compares unions and intersections of large collections with counting.
func TestAlgebra_large(t *testing.T) {
	r := newLineRunner()
	// Multiples of 2, 3 and 5 below 6000.
	for i := range 6000 {
		for key, step := range map[string]int{"two": 2, "three": 3, "five": 5} {
			if i%step == 0 {
				r.ask(t, "SADD", key, i)
				r.ask(t, "ZADD", "z"+key, i, i)
			}
		}
	}
	for line, want := range map[string]int{
		"SINTERSTORE d two three": 1000, "SINTERSTORE d two three five": 200, "SUNIONSTORE d two three": 4000,
		"SDIFFSTORE d two three five": 1600, "SINTERCARD 2 two three": 1000, "SINTERCARD 2 two three LIMIT 300": 300,
		"ZINTERSTORE d 2 ztwo zthree": 1000, "ZUNIONSTORE d 2 ztwo zthree": 4000, "ZDIFFSTORE d 3 ztwo zthree five": 1600,
		"ZINTERCARD 3 ztwo zthree five": 200, "ZUNIONSTORE d 2 two zthree AGGREGATE MAX": 4000,
	} {
		require.Equal(t, ":"+strconv.Itoa(want)+"\r\n", string(r.run(splitLine(t, line))), line)
	}
}
