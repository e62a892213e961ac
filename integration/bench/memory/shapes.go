package main

import (
	"fmt"
	"math/rand/v2"
)

// shape is one kind of item. There are n/share of them.
type shape struct {
	name    string
	share   int
	command func(i int) []string
}

// shapes are all that are measured. To add one, add a row.
func shapes() []shape {
	return []shape{
		{"string of 8 B", 1, func(i int) []string { return []string{"SET", key(i), fmt.Sprintf("v%07d", i)} }},
		{"string of 100 B, JSON", 1, func(i int) []string { return []string{"SET", key(i), record(i)} }},
		{"string of 100 B, letters and digits", 1, func(i int) []string { return []string{"SET", key(i), random(i, 64)} }},
		{"string of 100 B, any bytes", 1, func(i int) []string { return []string{"SET", key(i), random(i, 256)} }},
		{"integer", 1, func(i int) []string { return []string{"SET", key(i), fmt.Sprint(1000000 + i)} }},
		{"string of 8 B with TTL", 1, func(i int) []string {
			return []string{"SET", key(i), fmt.Sprintf("v%07d", i), "EX", fmt.Sprint(100000 + i%5000)}
		}},
		{"hash of 5", 4, func(i int) []string {
			return several("HSET", i, 5, func(k int) []string { return []string{fmt.Sprintf("field%d", k), fmt.Sprintf("value-%06d", i+k)} })
		}},
		{"zset of 10", 4, func(i int) []string {
			return several("ZADD", i, 10, func(k int) []string { return []string{fmt.Sprint(i%1000 + k), fmt.Sprintf("member:%d", i+k)} })
		}},
		{"list of 10", 4, func(i int) []string {
			return several("RPUSH", i, 10, func(k int) []string { return []string{fmt.Sprintf("element-%05d", (i+k)%100000)} })
		}},
		{"set of 10", 4, func(i int) []string {
			return several("SADD", i, 10, func(k int) []string { return []string{fmt.Sprintf("member:%d", i+k)} })
		}},
		{"field of one hash", 1, func(i int) []string {
			return []string{"HSET", "hash", fmt.Sprintf("f%07d", i), fmt.Sprintf("v%07d", i)}
		}},
		{"member of one zset", 1, func(i int) []string {
			return []string{"ZADD", "zset", fmt.Sprint(i * 7919 % 1000003), fmt.Sprintf("m%09d", i)}
		}},
	}
}

// record is 100 bytes of JSON as an application keeps a session, say.
func record(i int) string {
	r := rand.New(rand.NewPCG(uint64(i), 1))
	names := []string{"ada", "grace", "edsger", "barbara", "donald", "leslie", "tony", "niklaus"}
	plans := []string{"free", "team", "pro", "trial"}
	s := fmt.Sprintf(`{"user":%d,"name":"%s","plan":"%s","seen":%d,"token":"%08x","score":%.2f}`,
		r.IntN(1e7), names[r.IntN(len(names))], plans[r.IntN(len(plans))], 1790000000+r.IntN(1e7), r.Uint32(), r.Float64()*100)
	return fmt.Sprintf("%-100s", s)[:100]
}

// random is 100 bytes of so many different ones, each as likely.
func random(i, of int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	r := rand.New(rand.NewPCG(uint64(i), 2))
	b := make([]byte, 100)
	for at := range b {
		if b[at] = byte(r.IntN(of)); of == len(letters) {
			b[at] = letters[b[at]]
		}
	}
	return string(b)
}

func key(i int) string { return fmt.Sprintf("key%07d", i) }

func several(command string, i, n int, element func(k int) []string) []string {
	words := []string{command, key(i)}
	for k := range n {
		words = append(words, element(k)...)
	}
	return words
}
